"""Staging a rendering in an image tree, and the switch.

Staged are the objects, in their places, and the module trees, under temporary
names; no loader file names any of them yet. The switch: put on record what will be
kp's; remove the marker; place the module trees; write the additive loader files,
then those that choose; remove what is no longer listed; write the marker. Every
step is durable before the next begins, so at any moment each entry that is listed
finds its files, and without a marker the tree is in transition.
"""

import errno
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import filterfalse
from pathlib import Path
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.space import require
from kpstore.errors import Refused
from kpstore.targets.tree import idle, loader_files, objects, repair
from kpstore.targets.tree import modules as tree_modules
from kpstore.targets.tree.layout import (
    HOME,
    IDENTITY,
    LIVE,
    MODULES,
    Claims,
    LiveTree,
    TreeRendering,
    digest,
    parent,
)
from kpstore.targets.tree.missing import HowStaged, Missing, keep_modules, missing
from kpstore.targets.tree.modules import StagedModules
from kpstore.targets.tree.records import (
    read_claims,
    read_identity,
    read_live,
    write_claims,
    write_live,
)
from kpstore.targets.tree.survey import Survey, is_kps, known_claims, survey
from kpstore.targets.values import ArtifactSource, Finding, Identity, Marker

_UNFIT: Final = "or have kp write a file of its own: kp target add … --loader grub"


@dataclass
class TreeStaged:
    """A rendering staged in an image tree.

    `displaced`: what others wrote over kp's loader files, which the switch will
    replace; `originals`: foreign loader files that it will replace for the first
    time. Both by path; their keeping is the caller's.
    """

    root: Path
    identity: Identity
    rendering: TreeRendering
    survey: Survey | None = None  # None: nothing is listed, and what was so stays
    said: str = ""  # of what becomes of kp's files where nothing is listed
    copied: int = 0  # objects
    added: list[str] = field(default_factory=list)  # those that were nowhere before
    modules: list[StagedModules] = field(default_factory=list)
    claims: Claims = field(default_factory=Claims)  # what will be kp's

    @property
    def displaced(self) -> Mapping[str, bytes]:
        """Return the bytes of kp's files that others changed."""
        return self.survey.displaced if self.survey else {}

    @property
    def originals(self) -> Mapping[str, bytes]:
        """Return the bytes of the foreign files."""
        return self.survey.foreign if self.survey else {}

    def switch(self) -> int:
        """Make it live; return how many files were written or removed.

        Raises OSError: then the tree is as before, or in transition.
        """
        with Beneath.open(self.root) as tree:
            _require_identity(tree, self.identity)
            if self.survey is None:
                placed = self._place_modules(tree)
                _mark(tree, self.rendering.marker)
                return self.copied + placed
            settled = self.survey.settled(self.claims)
            live = LiveTree.of(self.rendering, settled)
            changes = self._change(tree, self.survey)
            if changes or not live.serves(read_live(tree)):
                write_live(tree, live)
            return self.copied + changes

    def discard(self) -> None:
        """Remove what was staged."""
        with Beneath.open(self.root) as tree:
            for prepared in self.modules:
                tree.remove_tree(prepared.path)
            for path in self.added:
                objects.remove(tree, path)
        self.modules.clear()
        self.added.clear()

    def _change(self, tree: Beneath, found: Survey) -> int:
        changing = bool(self.modules or found.write or found.remove or found.back)
        on_record = read_claims(tree)
        if self.claims != (on_record or Claims()) and (changing or on_record is None):
            write_claims(tree, self.claims)
        if not changing:
            return 0
        tree.remove(LIVE)
        placed = self._place_modules(tree)
        for path in found.write:
            loader_files.put(tree, path, self.rendering.files[path])
        for path, data in found.back.items():
            loader_files.put(tree, path, data)
        for path in found.remove:
            loader_files.take(tree, path)
        if found.back:
            write_claims(tree, found.settled(self.claims))
        return len(found.back) + placed + len(found.write) + len(found.remove)

    def _place_modules(self, tree: Beneath) -> int:
        """Place each, and remove the one that gave way; a second call goes on."""
        count = len(self.modules)
        while self.modules:
            prepared = self.modules[-1]
            prepared.place(tree)
            if prepared.exchange:
                tree.remove_tree(prepared.path)
            self.modules.pop()
        return count


def stage(
    root: Path,
    identity: Identity,
    rendering: TreeRendering,
    artifacts: ArtifactSource,
    how: HowStaged,
) -> TreeStaged:
    """Stage; on any error nothing of it is left. Raises OSError and KpErrors."""
    staged = TreeStaged(root, identity, rendering)
    with Beneath.open(root) as tree:
        _require_identity(tree, identity)
        if rendering.unfit:
            raise Refused(rendering.unfit, hint=_UNFIT)
        live = read_live(tree)
        claims = known_claims(tree, live, how.originals)
        unlisted = idle.unlisted(rendering, claims, artifacts)
        staged.said = unlisted.said
        lies = repair.obstacles(tree, rendering, unlisted.back)
        repair.make_way(tree, lies, how.leeway.found)
        repair.made_readable(tree, [Finding(each, "mode") for each in claims.files])
        if not unlisted.stay:
            staged.survey = survey(tree, rendering, claims, unlisted.back)
            loader_files.check_room(tree, rendering.files)
            foreign = [*filterfalse(loader_files.is_variable, staged.survey.foreign)]
            if foreign and not how.replace_foreign:
                raise _foreign(root, foreign)
            staged.claims = staged.survey.claims
        sweep_temporaries(tree, rendering.files)
        try:
            lacks = missing(tree, rendering, live, claims, artifacts, how)
            keep_modules(tree, lacks, live, claims, artifacts, how)
            _add(tree, staged, lacks, artifacts)
        except BaseException:
            with suppress(OSError):  # what stays is swept; the first error matters
                staged.discard()
            raise
        staged.claims = _with_modules(staged.claims, staged.modules)
    return staged


def sweep_temporaries(tree: Beneath, paths: Iterable[str]) -> list[str]:
    """Remove what killed processes left where kp writes; `paths` of loader files."""
    files = (loader_files.file_of(tree, path) for path in paths)
    directories = {HOME, MODULES, *map(parent, files)}
    directories |= {f"{HOME}/{name}" for name in objects.kept(tree)}
    directories |= {above for each in directories for above in _above(each)}
    swept = []
    for directory in sorted(directories):
        with suppress(FileNotFoundError, NotADirectoryError, Refused):
            swept += [
                f"{directory}/{name}" for name in tree.sweep_temporaries(directory)
            ]
    return swept


def _above(directory: str) -> Iterator[str]:
    """Return the directories that lead to one: in them it was made."""
    while directory:
        directory = parent(directory)
        yield directory


def _add(
    tree: Beneath, staged: TreeStaged, lacks: Missing, artifacts: ArtifactSource
) -> None:
    """Check for room, then add what is missing, noting each on `staged` first."""
    if lacks.objects or lacks.modules or staged.rendering.files:
        require(staged.root, *lacks.needs(staged.rendering))
    for each in lacks.objects:
        if not tree.exists(each.path):
            staged.added.append(each.path)
        objects.add(tree, each, artifacts)
    staged.copied = len(lacks.objects)
    for wanted in lacks.modules:
        staged.modules.append(tree_modules.prepare(tree, wanted, artifacts))


def _mark(tree: Beneath, marker: Marker) -> None:
    """Say that a commit which lists nothing is live; what is there stays listed."""
    live = read_live(tree)
    if live is None or live.marker != marker or not live.idle:
        standing = live or _standing(tree, marker)
        write_live(tree, replace(standing, marker=marker, idle=True))


def _standing(tree: Beneath, marker: Marker) -> LiveTree:
    """Take all that kp has there as served: in transition nobody knows better."""
    claims = known_claims(tree, None)
    seen = {path: loader_files.look(tree, path) for path in claims.files}
    return LiveTree(
        marker,
        {p: digest(s.data) for p, s in seen.items() if is_kps(s, claims.files[p])},
        dict.fromkeys(objects.paths(tree), ""),
        dict.fromkeys(claims.modules, ""),
    )


def _with_modules(claims: Claims, modules: list[StagedModules]) -> Claims:
    claimed = dict(claims.modules)
    for each in modules:
        known = {*claimed.get(each.release, ()), each.sha256}
        claimed[each.release] = tuple(sorted(known))
    return replace(claims, modules=claimed)


def _require_identity(tree: Beneath, identity: Identity) -> None:
    """Raise FileNotFoundError unless the tree is still this target's."""
    found = read_identity(tree)
    if found is None or (found.site, found.target) != (identity.site, identity.target):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), IDENTITY)


def _foreign(root: Path, others: Iterable[str]) -> Refused:
    return Refused(
        f"{root}: {', '.join(others)} is not kp's",
        hint="add the target with `kp target add --replace`: the original is kept as "
        "an artifact, and `kp target rm` puts it back",
    )
