"""What a generation is made of: menus, shards and objects, named by their content."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from kpstore.disk.attributes import set_mode
from kpstore.disk.durable import Batch
from kpstore.targets.artifacts import checked
from kpstore.targets.tftp.format import shelves
from kpstore.targets.tftp.format.layout import (
    CONTENTS,
    MENUS,
    OBJECTS,
    SHARDS,
    SHELVES,
    SUMS,
    Layout,
)
from kpstore.targets.tftp.format.links import (
    FOLDER_MODE,
    is_folder,
    is_open_folder,
    kind_of,
    sha256_of,
)
from kpstore.targets.tftp.format.needs import named
from kpstore.targets.tftp.format.part import Part
from kpstore.targets.tftp.format.shelves import Shelf
from kpstore.targets.values import ArtifactSource, ObjectFile


def sums(digests: Mapping[str, str]) -> bytes:
    """Write file names and their SHA-256 as sha256sum does, sorted by name."""
    lines = (f"{digests[name]}  {name}\n" for name in sorted(digests))
    return "".join(lines).encode()


def parse_sums(data: bytes) -> dict[str, str]:
    """Read what `sums` wrote."""
    return {line[66:]: line[:64] for line in data.decode().splitlines()}


def digest_of(digests: Mapping[str, str]) -> str:
    """Name a directory by the names and SHA-256 of its files."""
    return sha256(sums(digests)).hexdigest()


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: sha256(data).hexdigest() for name, data in files.items()}


def menu_of(files: Mapping[str, bytes]) -> Part:
    """Name a menu directory, and find the objects that it needs."""
    return Part(digest_of(digests(files)), named(files.values()))


@dataclass(frozen=True)
class Shard:
    """A shard to be: files to write, and those that another shard has already."""

    part: Part
    write: Mapping[str, bytes]
    same: Collection[str]
    source: str  # digest of the shard that has `same`
    sums: bytes


@dataclass(frozen=True)
class GenerationParts:
    """A generation's parts; those that are there already need only their name."""

    menus: Mapping[str, Part]  # template -> menu, of rendered and kept ones
    shards: Mapping[str, Part]
    new_menus: Mapping[str, Mapping[str, bytes]]  # digest -> loader -> bytes
    new_shards: Mapping[str, Shard]  # digest -> shard
    new_objects: tuple[ObjectFile, ...]
    reused: frozenset[str]  # folders of parts found there that live doesn't vouch for
    new_shelves: Mapping[str, Shelf] = field(default_factory=dict)  # name -> shelf

    def written(self) -> Iterator[str]:
        """Name each new file below the root, links and STATE aside."""
        yield from (each.path for each in self.new_objects)
        for digest, menu in self.new_menus.items():
            yield from (f"{MENUS}/{digest}/{loader}" for loader in menu)
        for digest, shard in self.new_shards.items():
            yield from (f"{SHARDS}/{digest}/{name}" for name in shard.write)

    def sizes(self) -> Iterator[int]:
        """Return the size of each new file and directory, in bytes."""
        yield from (each.size for each in self.new_objects)
        for menu in self.new_menus.values():
            yield from map(len, menu.values())
        for shard in self.new_shards.values():
            yield from map(len, shard.write.values())
            yield len(shard.sums)
        yield from (0 for _ in (*self.new_objects, *self.new_menus, *self.new_shards))
        yield from (256 * len(shelf) for shelf in self.new_shelves.values())

    def write(
        self, layout: Layout, artifacts: ArtifactSource, batch: Batch
    ) -> list[Path]:
        """Add what is new to a batch; return the paths that the batch will make."""
        made = write_objects(layout, self.new_objects, artifacts, batch)
        for digest, menu in self.new_menus.items():
            home = layout.path(MENUS, digest)
            if is_folder(home):  # a part of it is damaged
                _rewrite(home, menu, batch)
                continue
            made.append(home)
            folder = batch.directory(home)
            for loader, data in menu.items():
                folder.file(loader, data)
        for digest, shard in self.new_shards.items():
            home = layout.path(SHARDS, digest)
            if is_folder(home):
                _rewrite(home, {**shard.write, SUMS: shard.sums}, batch)
                continue
            made.append(home)
            _write_shard(layout, shard, batch)
        for name, shelf in self.new_shelves.items():
            home = layout.path(SHELVES, name)
            made += [] if is_folder(home) else [home]
            _write_shelf(layout, shelf, batch)
        return made

    def there(self, layout: Layout) -> Iterator[str]:
        """Name what is there already of the new parts, and not as it should be.

        A folder of which only files are wrong stays: each is replaced in its place.
        """
        for digest, menu in self.new_menus.items():
            yield from _there(layout, f"{MENUS}/{digest}", menu)
        for digest, shard in self.new_shards.items():
            names = () if shard.same else (*shard.write, SUMS)
            yield from _there(layout, f"{SHARDS}/{digest}", names)
        for name, shelf in self.new_shelves.items():
            wrong = shelves.amiss(layout, shelf)
            yield from _there(layout, f"{SHELVES}/{name}", wrong)
        for each in self.new_objects:
            home, _, name = each.path.rpartition("/")
            yield from _there(layout, home, (name,))


def _there(layout: Layout, home: str, names: Collection[str]) -> Iterator[str]:
    if is_folder(layout.path(home)) and names:
        paths = (f"{home}/{name}" for name in names)
        yield from (path for path in paths if kind_of(layout.path(path)))
    elif kind_of(layout.path(home)):
        yield home


def _rewrite(home: Path, files: Mapping[str, bytes], batch: Batch) -> None:
    set_mode(home, FOLDER_MODE)
    for name, data in files.items():
        batch.file(home / name, data)


def _write_shelf(layout: Layout, shelf: Shelf, batch: Batch) -> None:
    """Write a shelf; of one that is there what is amiss."""
    home, texts = layout.path(SHELVES, shelf.name), shelves.links(shelf)
    if is_folder(home):
        set_mode(home, FOLDER_MODE)
        for each in shelves.amiss(layout, shelf):
            if each == CONTENTS:
                batch.file(home / each, shelves.encode(shelf))
            else:
                batch.link(home / each, texts[each])
        return
    folder = batch.directory(home)
    folder.file(CONTENTS, shelves.encode(shelf))
    folder.links(texts)


def _write_shard(layout: Layout, shard: Shard, batch: Batch) -> None:
    folder = batch.directory(layout.path(SHARDS, shard.part.digest))
    folder.file(SUMS, shard.sums)
    for name in shard.same:
        folder.hardlink(name, layout.path(SHARDS, shard.source, name))
    for name, data in shard.write.items():
        folder.file(name, data)


def missing_objects(
    layout: Layout, objects: Iterable[ObjectFile], vouched: Collection[str]
) -> list[ObjectFile]:
    """Return the objects that aren't there whole; each once.

    Those that what is live vouches for are told by their size, others by their bytes:
    whoever left them there is not known.
    """
    return [
        each
        for each in dict.fromkeys(objects)
        if not has_object(layout, each, deep=each.sha256 not in vouched)
    ]


def has_object(layout: Layout, each: ObjectFile, *, deep: bool) -> bool:
    """Tell whether nodes find an object: by its size, or `deep` by its bytes."""
    path = layout.path(each.path)
    if not (is_open_folder(path.parent) and kind_of(path) == stat.S_IFREG):
        return False
    found = os.lstat(path)
    if found.st_size != each.size or not found.st_mode & stat.S_IROTH:
        return False
    return not deep or sha256_of(path) == each.sha256


def write_objects(
    layout: Layout,
    objects: Iterable[ObjectFile],
    artifacts: ArtifactSource,
    batch: Batch,
) -> list[Path]:
    """Add copies of artifacts to a batch, a directory each; return their paths.

    Raises CorruptState for a damaged one, NotFound.
    """
    by_digest: dict[str, list[ObjectFile]] = {}
    for each in objects:
        by_digest.setdefault(each.sha256, []).append(each)
    made = []
    for digest, files in by_digest.items():
        home = layout.path(OBJECTS, digest)
        source = checked(artifacts, digest)
        if is_folder(home):  # another name of it is there, or a part is damaged
            set_mode(home, FOLDER_MODE)
            for path in (layout.path(each.path) for each in files):
                if not kind_of(path):
                    made.append(path)
                batch.copy(path, source)
            continue
        made.append(home)
        folder = batch.directory(home)
        for each in files:
            folder.copy(layout.path(each.path).name, source)
    return made
