"""Module trees in an image: one directory a release, as an artifact has it.

What lies there is told by packing it again: equal trees are equal artifacts. A tree
that kp has no claim on is the distribution's and never changed. OSErrors pass raw.
"""

import hashlib
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.newtree import NewTree
from kpstore.errors import CorruptState, InvalidInput, Refused
from kpstore.formats.module_tar import Packing, TarMember, unpack
from kpstore.formats.module_tree import module_name
from kpstore.targets.tree import faults
from kpstore.targets.tree.layout import MODULES, Claims, place
from kpstore.targets.tree.objects import hash_of
from kpstore.targets.values import ArtifactSource, Finding

_BYTES_PER_FILE: Final = 1 << 16  # of a module archive, roughly; to ask for inodes

_THEIRS: Final = "the distribution's own, and no longer what its kernel came with"

Modules = tuple[str, str, int]  # release, SHA-256 and size in bytes of the artifact


@dataclass
class StagedModules:
    """A complete, durable module tree under a temporary name.

    `exchange`: kp's own tree of that release gives way to it.
    """

    release: str
    sha256: str
    path: str
    exchange: bool
    placed: bool = False

    def place(self, tree: Beneath) -> None:
        """Give it its name, once; what was there is then at `path`."""
        if self.placed:
            return
        change = tree.exchange if self.exchange else tree.rename
        change(self.path, place(self.release))
        self.placed = True


def content(tree: Beneath, release: str, expected: Collection[str] = ()) -> str:
    """Return the SHA-256 of the artifact that the tree equals; empty if of none.

    One of the `expected`, if it may be: what an older kp packed left out what links
    lead to.
    """
    try:
        packing = Packing(tree, place(release))
        found = _hash(packing.chunks())
        if packing.followed and found not in expected:
            before = _hash(Packing(tree, place(release), follow=False).chunks())
            return before if before in expected else found
        return found
    except (Refused, InvalidInput, NotADirectoryError, PermissionError):
        # a FIFO in it, a file, nested beyond reason
        return ""


def missing(
    tree: Beneath,
    wanted: Sequence[Modules],
    claims: Claims,
    trusted: Mapping[str, str],
    afresh: Collection[str] = (),
    insist: ArtifactSource | None = None,
) -> list[Modules]:
    """Return what must be placed.

    `trusted` are known to stand as they should, `afresh` are places known not to.
    Where another's tree, or kp's own changed by another, has the place: Refused; but
    `insist` with the artifacts, and kp's own gives way, and `theirs` stays.
    """
    return [
        each
        for each in wanted
        if place(each[0]) in afresh or _is_missing(tree, each, claims, trusted, insist)
    ]


def _is_missing(
    tree: Beneath,
    wanted: Modules,
    claims: Claims,
    trusted: Mapping[str, str],
    insist: ArtifactSource | None,
) -> bool:
    release, sha256, _ = wanted
    found = faults.look(tree, place(release))
    if found is None:
        return True
    own = claims.modules.get(release)
    whole = not faults.is_in_the_way(tree, place(release))
    if own is not None and stat.S_ISLNK(found.st_mode):
        whole = False
    if whole and trusted.get(release) == sha256:
        return False
    there = content(tree, release, {sha256, *(own or ())}) if whole else ""
    if there == sha256:
        return False
    if there in (own or ()):
        return True
    if insist:
        return not whole or own is not None or not theirs(tree, wanted, insist)
    raise _changed(release) if own is not None else _foreign(release)


def needs(wanted: Sequence[Modules]) -> tuple[int, int]:
    """Return the bytes and inodes to ask for."""
    size = sum(each[2] for each in wanted)
    return size, size // _BYTES_PER_FILE + len(wanted)


def prepare(tree: Beneath, wanted: Modules, artifacts: ArtifactSource) -> StagedModules:
    """Unpack an artifact under a temporary name beside its place, durably.

    Raises CorruptState when the artifact does not hold what its name says.
    """
    release, sha256, _ = wanted
    tree.makedirs(MODULES)
    with artifacts.path(sha256).open("rb") as file, NewTree(tree, MODULES) as new:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise CorruptState(
                f"artifact {sha256} (modules of {release}) holds other bytes than its "
                "name says",
                hint="`kp doctor` lists damaged artifacts and how to get them back",
            )
        file.seek(0)
        for member in unpack(file, release):
            if member.kind == "directory":
                new.directory(member.path)
            elif member.kind == "link":
                new.link(member.path, member.target)
            else:
                new.file(member.path, member.pieces)
        new.finish()
    return StagedModules(release, sha256, new.path, exists(tree, release))


def differences(
    tree: Beneath, wanted: Modules, artifacts: ArtifactSource, *, is_own: bool
) -> list[Finding]:
    """Name what differs in a release's tree from its artifact.

    What isn't kp's own and differs is the distribution's: one finding, `kept`; but
    without any module it is missing.
    """
    release, sha256, _ = wanted
    if not tree.is_dir(place(release)) or not tree.names(place(release)):
        return []  # seen without reading: `tree_quick.modules_fault`
    if content(tree, release, {sha256}) == sha256:
        return [*_modes(tree, release)] if is_own else []
    if is_own:
        found = [*_compared(tree, release, sha256, artifacts)]
        return found or [Finding(place(release), "changed")]
    if theirs(tree, wanted, artifacts):
        return [Finding(place(release), "kept", _THEIRS)]
    return [Finding(place(release), "missing", "none of its modules is there")]


def exists(tree: Beneath, release: str) -> bool:
    """Tell whether anything has the release's place."""
    return faults.look(tree, place(release)) is not None


def theirs(tree: Beneath, wanted: Modules, artifacts: ArtifactSource) -> bool:
    """Tell a changed tree that still serves its kernel: there are modules in it."""
    release, sha256, _ = wanted
    try:
        there = (found.path for found in tree.walk(place(release)))
        if any(map(module_name, there)):
            return True
    except (NotADirectoryError, Refused):  # nested beyond reason
        return True
    with artifacts.path(sha256).open("rb") as file:
        return not any(module_name(each.path) for each in unpack(file, release))


def _modes(tree: Beneath, release: str) -> Iterator[Finding]:
    """Name what in kp's own tree has another mode or owner."""
    roots = faults.is_roots(tree)
    for found in tree.walk(place(release)):
        if found.kind != "link":
            judge = {"file": faults.of_file, "directory": faults.of_folder}
            at = faults.look(tree, found.path)
            yield from judge[found.kind](tree, at, roots=roots).at(found.path)


def _compared(
    tree: Beneath, release: str, sha256: str, artifacts: ArtifactSource
) -> Iterator[Finding]:
    try:
        left = {found.path: found.kind for found in tree.walk(place(release))}
    except (NotADirectoryError, Refused):
        return
    with artifacts.path(sha256).open("rb") as file:
        for member in unpack(file, release):
            path = f"{place(release)}/{member.path}"
            kind = left.pop(path, "")
            if not kind:
                yield Finding(path, "missing")
            elif kind != member.kind or not _same(tree, path, member):
                yield Finding(path, "changed")
    for path, kind in left.items():
        if kind != "link":  # `build` and others that lead out are no part of it
            yield Finding(path, "extra")


def _same(tree: Beneath, path: str, member: TarMember) -> bool:
    if member.kind == "link":
        return tree.readlink(path) == member.target
    try:
        return member.kind == "directory" or hash_of(tree, path) == _hash(member.pieces)
    except PermissionError:
        return False


def _hash(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _changed(release: str) -> Refused:
    return Refused(
        f"{place(release)} in the image was changed by someone else since kp put "
        "it there",
        hint="`kp verify` names the files, `kp publish` moves them aside",
    )


def _foreign(release: str) -> Refused:
    return Refused(
        f"{place(release)} in the image belongs to another kernel of the release "
        f"{release}, and holds other modules",
        hint="build yours with another CONFIG_LOCALVERSION, or remove that kernel's "
        "package from the image",
    )
