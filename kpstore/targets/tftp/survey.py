"""What of a generation's parts is on the target already, and what must be written.

Only lstat and the sums of changed shards are read; nothing is written.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kpstore.errors import CorruptState, InvalidInput
from kpstore.targets.tftp.compare import has_mode, holds
from kpstore.targets.tftp.format import shelves
from kpstore.targets.tftp.format.content import (
    GenerationParts,
    Shard,
    digest_of,
    digests,
    menu_of,
    missing_objects,
    parse_sums,
    sums,
)
from kpstore.targets.tftp.format.layout import (
    MENUS,
    OBJECTS,
    SHARDS,
    SHELVES,
    SUMS,
    Layout,
    check_mac,
    check_template,
    dashed,
    own_file,
    shard_of,
)
from kpstore.targets.tftp.format.links import (
    SeenFile,
    files_in,
    is_open_folder,
    read_file,
)
from kpstore.targets.tftp.format.needs import named, named_in
from kpstore.targets.tftp.format.part import Part
from kpstore.targets.tftp.format.shelves import Shelf
from kpstore.targets.tftp.format.state import GenerationState, LiveGeneration
from kpstore.targets.tftp.generation import POLICY, Generation, NodeForm
from kpstore.targets.values import ObjectFile


def survey(
    layout: Layout,
    generation: Generation,
    policy: Mapping[str, bytes],
    old: GenerationState | None,
    doubted: Iterable[str] = (),
) -> GenerationParts:
    """Work out what to write; `doubted` paths are not taken for what they should be.

    `policy` is the menu of unknown nodes, where the generation has none. Raises
    InvalidInput for a generation that doesn't hold together, CorruptState when the
    live one lacks what it builds on.
    """
    return _Survey(layout, generation, old, doubted).content(policy)


def shelved(
    layout: Layout,
    content: GenerationParts,
    state: GenerationState,
    base: LiveGeneration | None,
) -> GenerationParts:
    """Return the content with the shelves to be written; those of `base` are there."""
    had = base.state.shelves if base else {}
    new, found = dict[str, Shelf](), set[str]()
    for xx, shelf in state.shelves.items():
        if xx in had and had[xx] == shelf:
            continue
        is_there = is_open_folder(layout.path(SHELVES, shelf.name))
        if is_there and not shelves.amiss(layout, shelf):
            found.add(SHELVES)
        else:
            new[shelf.name] = shelf
    return replace(content, new_shelves=new, reused=content.reused | found)


def rendered_menus(
    layout: Layout, generation: Generation, policy: Mapping[str, bytes]
) -> dict[str, dict[str, bytes]]:
    """Return the menus that a generation brings, of the target's loaders."""
    menus = dict(generation.menus)
    if POLICY not in generation.kept:
        menus.setdefault(POLICY, policy)
    loaders = [names.loader for names in layout.entries]
    return {
        check_template(name): _of_loaders(name, files, loaders)
        for name, files in menus.items()
    }


def _of_loaders(
    template: str, files: Mapping[str, bytes], loaders: Sequence[str]
) -> dict[str, bytes]:
    missing = [loader for loader in loaders if loader not in files]
    if missing:
        raise InvalidInput(f"template {template} has no menu for {', '.join(missing)}")
    return {loader: files[loader] for loader in loaders}


def own_files(layout: Layout, nodes: Mapping[str, NodeForm | None]) -> dict[str, bytes]:
    """Return nodes' own files for the target's loaders, by name in their shard."""
    return {
        own_file(mac, names.loader): form.files[names.loader]
        for mac, form in nodes.items()
        if form is not None and form.files
        for names in layout.entries
        if names.loader in form.files
    }


class _Survey:
    """Compares what a generation needs to what is there."""

    def __init__(
        self,
        layout: Layout,
        generation: Generation,
        old: GenerationState | None,
        doubted: Iterable[str],
    ) -> None:
        self._layout = layout
        self._given = generation
        self._old_menus = old.menus if old else {}
        self._base = {} if generation.complete or old is None else self._known(old)
        self._vouched = _vouched(old, doubted) if old else frozenset()
        self._reused: set[str] = set()

    def content(self, policy: Mapping[str, bytes]) -> GenerationParts:
        rendered = rendered_menus(self._layout, self._given, policy)
        menus = {name: menu_of(files) for name, files in rendered.items()}
        self._check_objects(menus, "the menu of")
        menus = self._kept() | menus
        self._check_templates(menus)
        shards = self._changed_shards()
        changed = {xx: shard.part for xx, shard in shards.items()}
        self._check_objects(changed, "shard")
        return GenerationParts(
            menus,
            {xx: part for xx, part in (self._base | changed).items() if part.digest},
            {
                menus[name].digest: files
                for name, files in rendered.items()
                if not self._has(MENUS, menus[name].digest, files)
            },
            {
                digest: shard
                for shard in shards.values()
                if (digest := shard.part.digest) and not self._has_shard(shard)
            },
            self._new_objects(),
            frozenset(self._reused),
        )

    def _known(self, old: GenerationState) -> dict[str, Part]:
        """Return the live shards; what an older kp did not say they need is read."""
        home = self._layout.path(SHARDS)
        return {
            xx: replace(shard, objects=named_in(home / shard.digest))
            if shard.objects is None
            else shard
            for xx, shard in old.shards.items()
        }

    def _kept(self) -> dict[str, Part]:
        missing = self._given.kept - self._old_menus.keys()
        if missing:
            raise CorruptState(
                f"{self._layout.base}: the live generation has no template "
                f"{min(missing)}",
                hint="kp publish draws the target anew",
            )
        return {name: self._old_menus[name] for name in self._given.kept}

    def _check_objects(self, parts: Mapping[str, Part], what: str) -> None:
        """Hold what the bytes need against what is published, or is there."""
        given = {each.sha256 for each in self._given.objects}
        for name, part in parts.items():
            for sha256 in part.objects or ():
                if sha256 in given or self._layout.path(OBJECTS, sha256).is_dir():
                    continue
                raise InvalidInput(
                    f"{what} {name} names {sha256}, which isn't published"
                )

    def _check_templates(self, menus: Mapping[str, Part]) -> None:
        for mac, form in self._given.nodes.items():
            check_mac(mac)
            if form is not None and form.template not in menus:
                raise InvalidInput(f"node {mac}: no template {form.template}")

    def _has(self, folder: str, digest: str, files: Mapping[str, bytes]) -> bool:
        found = holds(self._layout.path(folder, digest), files)
        if found and digest not in self._vouched:
            self._reused.add(folder)
        return found

    def _has_shard(self, shard: Shard) -> bool:
        digest, listed = shard.part.digest, parse_sums(shard.sums)
        try:
            list(self._read(digest, {name: listed[name] for name in shard.same}))
        except CorruptState:
            return False
        return self._has(SHARDS, digest, {**shard.write, SUMS: shard.sums})

    def _new_objects(self) -> tuple[ObjectFile, ...]:
        new = missing_objects(self._layout, self._given.objects, self._vouched)
        found = {each.sha256 for each in self._given.objects}
        if found - {each.sha256 for each in new} - self._vouched:
            self._reused.add(OBJECTS)
        return tuple(new)

    def _changed_shards(self) -> dict[str, Shard]:
        """Return the shards of changed nodes; one that is left empty has no digest."""
        macs: dict[str, set[str]] = {}
        for mac, form in self._given.nodes.items():
            if not self._base and not (form and form.files):
                continue  # the usual site: nobody has a file of its own
            macs.setdefault(shard_of(mac), set()).add(mac)
        return {xx: self._shard(xx, changed) for xx, changed in macs.items()}

    def _shard(self, xx: str, macs: Collection[str]) -> Shard:
        base = self._base[xx].digest if xx in self._base else ""
        names = {dashed(mac) for mac in macs}
        same = {
            name: digest
            for name, digest in (self._sums(base) if base else {}).items()
            if name.partition(".")[0] not in names
        }
        files = own_files(self._layout, {mac: self._given.nodes[mac] for mac in macs})
        wanted = same | digests(files)
        part = Part(
            digest_of(wanted) if wanted else "",
            named((*files.values(), *self._read(base, same))),
        )
        return Shard(part, files, tuple(same), base, sums(wanted))

    def _read(self, shard: str, same: Mapping[str, str]) -> Iterator[bytes]:
        """Read the files that are carried over: they need what they name.

        CorruptState for one that isn't as kp wrote it: a link to it is no mending.
        """
        home = self._layout.path(SHARDS, shard)
        there = dict(files_in(home)) if same else {}
        for name, digest in same.items():
            seen = there.get(name, SeenFile(b""))
            right = has_mode(home, seen) and digests({name: seen.data})[name] == digest
            if not right:
                raise _not_kps(home / name)
            yield seen.data

    def _sums(self, shard: str) -> dict[str, str]:
        path = self._layout.path(SHARDS, shard, SUMS)
        try:
            found = parse_sums(read_file(path))
        except (FileNotFoundError, NotADirectoryError, ValueError) as error:
            raise _not_kps(path) from error
        if digest_of(found) != shard:
            raise _not_kps(path)
        return found


def _not_kps(path: Path) -> CorruptState:
    return CorruptState(
        f"{path} is gone or not kp's", hint="kp publish draws the target anew"
    )


def _vouched(old: GenerationState, doubted: Iterable[str]) -> frozenset[str]:
    """Return the digests of what the live generation has whole: parts and objects."""
    wrong = {part for path in doubted for part in path.split("/")}
    return old.needs().union(part.digest for part in old.parts()) - wrong
