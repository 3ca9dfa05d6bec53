"""Module trees in an image: one directory a release, as an artifact has it.

What lies there is told by packing it again: equal trees are equal artifacts. A tree
that kp has no claim on is the distribution's and never changed. OSErrors pass raw.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kpstore.artifacts.module_archive import Member, Packing, unpack
from kpstore.disk.beneath import Beneath
from kpstore.disk.newtree import NewTree
from kpstore.errors import CorruptState, InvalidInput, Refused
from kpstore.publish.target import Artifacts, Finding
from kpstore.publish.tree_layout import MODULES, Claims
from kpstore.publish.tree_objects import hash_of

_BYTES_PER_FILE: Final = 1 << 16  # of a module archive, roughly; to ask for inodes

Wanted = tuple[str, str, int]  # release, SHA-256 and size in bytes of the artifact


@dataclass
class Prepared:
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


def place(release: str) -> str:
    """Return where a release's modules belong."""
    return f"{MODULES}/{release}"


def content(tree: Beneath, release: str) -> str:
    """Return the SHA-256 of the artifact that the tree equals; empty if of none."""
    try:
        return _hash(Packing(tree, place(release)).chunks())
    except (Refused, InvalidInput, NotADirectoryError):  # a FIFO, a file, nested
        return ""


def missing(
    tree: Beneath,
    wanted: Sequence[Wanted],
    claims: Claims,
    trusted: Mapping[str, str],
    afresh: Collection[str] = (),
) -> list[Wanted]:
    """Return what must be placed.

    `trusted` are known to stand as they should; `afresh` are places where kp's own
    tree, changed by others, is to be replaced. Else Refused where another's tree, or
    kp's own changed by another, has the place.
    """
    return [
        each
        for each in wanted
        if not exists(tree, each[0])
        or (place(each[0]) in afresh and each[0] in claims.modules)
        or (trusted.get(each[0]) != each[1] and _differs(tree, each, claims))
    ]


def needs(wanted: Sequence[Wanted]) -> tuple[int, int]:
    """Return the bytes and inodes to ask for."""
    size = sum(each[2] for each in wanted)
    return size, size // _BYTES_PER_FILE + len(wanted)


def prepare(tree: Beneath, wanted: Wanted, artifacts: Artifacts) -> Prepared:
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
    return Prepared(release, sha256, new.path, exists(tree, release))


def differences(
    tree: Beneath, release: str, sha256: str, artifacts: Artifacts
) -> list[Finding]:
    """Name the files in which a release's tree differs from its artifact."""
    if not exists(tree, release):
        return [Finding(place(release), "missing")]
    if content(tree, release) == sha256:
        return []
    found = [*_compared(tree, release, sha256, artifacts)]
    return found or [Finding(place(release), "changed")]


def exists(tree: Beneath, release: str) -> bool:
    """Tell whether anything has the release's place."""
    try:
        tree.stat(place(release))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _compared(
    tree: Beneath, release: str, sha256: str, artifacts: Artifacts
) -> Iterator[Finding]:
    try:
        left = {found.path: found.kind for found in tree.walk(place(release))}
    except NotADirectoryError:
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


def _same(tree: Beneath, path: str, member: Member) -> bool:
    if member.kind == "link":
        return tree.readlink(path) == member.target
    return member.kind == "directory" or hash_of(tree, path) == _hash(member.pieces)


def _hash(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _differs(tree: Beneath, wanted: Wanted, claims: Claims) -> bool:
    """Tell whether kp's own older tree has the place; see `missing`."""
    release, sha256, _ = wanted
    there = content(tree, release)
    if there == sha256:
        return False
    if there in claims.modules.get(release, ()):
        return True
    if release in claims.modules:
        raise Refused(
            f"{place(release)} in the image was changed by someone else since kp put "
            "it there",
            hint="`kp verify` names the files, `kp publish` moves them aside",
        )
    raise Refused(
        f"{place(release)} in the image belongs to another kernel of the release "
        f"{release}, and holds other modules",
        hint="build yours with another CONFIG_LOCALVERSION, or remove that kernel's "
        "package from the image",
    )
