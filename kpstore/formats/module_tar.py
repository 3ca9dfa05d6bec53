"""The `modules` artifact: a module tree as one tar file, equal trees as equal bytes.

Uncompressed on purpose: a compressor's next version may pack the same tree into
other bytes, which would be another artifact and another payload. (Distributions
pack each .ko by itself anyway.) Members are `<release>/...`, sorted, owned by
root, of time 0, with modes 0644 and 0755: `tar -C lib/modules -xf` reads it.
"""

import posixpath
import re
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from kpstore.disk.beneath import Beneath
from kpstore.errors import CorruptState, InvalidInput, Refused
from kpstore.formats.bytestream import CHUNK
from kpstore.formats.module_tree import Located, ModuleSurvey, stays_inside
from kpstore.model.names import RELEASE

FILE_MODE: Final = 0o644
DIRECTORY_MODE: Final = 0o755
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "link",
}


class Packing:
    """A module tree to be packed.

    `dropped` names the links that lead out of it to no module; `followed` tells
    whether some of it lies elsewhere in the image; `files` and `size` (bytes) are
    what is to be packed.
    """

    def __init__(
        self, tree: Beneath, rel: str, release: str = "", *, follow: bool = True
    ) -> None:
        """Look at the tree `rel`; Refused if it holds a FIFO, device or socket.

        `release`, if given, is what it is packed as; else its folder's name is.
        Without `follow` it is packed as kp did before it followed links.
        """
        self._tree = tree
        self._release = release or posixpath.basename(rel.rstrip("/"))
        if not re.fullmatch(RELEASE, self._release):
            raise InvalidInput(
                f"{self._release!r} is not a kernel release",
                hint="give the folder lib/modules/RELEASE of the kernel",
            )
        survey = ModuleSurvey(tree, rel, follow=follow)
        self._found, self.dropped = survey.found, survey.dropped
        self.followed = survey.followed
        sizes = [each.size for each in self._found if each.kind == "file"]
        self.files, self.size = len(sizes), sum(sizes)

    def chunks(self) -> Iterator[bytes]:
        """Yield the archive; Refused when a file changes while it is read."""
        yield _header(self._release, tarfile.DIRTYPE)
        for found in self._found:
            yield from self._member(found)
        yield tarfile.NUL * (2 * tarfile.BLOCKSIZE)

    def _member(self, found: Located) -> Iterator[bytes]:
        name = f"{self._release}/{found.name}"
        if found.kind == "directory":
            yield _header(name, tarfile.DIRTYPE)
        elif found.kind == "link":
            target = self._tree.readlink(found.path)
            yield _header(name, tarfile.SYMTYPE, target=target)
        else:
            yield _header(name, tarfile.REGTYPE, size=found.size)
            yield from self._content(found)
            yield tarfile.NUL * (-found.size % tarfile.BLOCKSIZE)

    def _content(self, found: Located) -> Iterator[bytes]:
        left = found.size
        with self._tree.open_read(found.path) as file:
            while piece := file.read(CHUNK):
                left -= len(piece)
                if left < 0:
                    break
                yield piece
        if left:
            raise Refused(
                f"{found.path} changed while it was read",
                hint="wait until whatever writes it is done, then add it again",
            )


@dataclass(frozen=True)
class TarMember:
    """A file, directory or link to be made; `path` is below the release's folder.

    `pieces` is the content of a file: read it before the next member is asked for.
    """

    path: str
    kind: str
    size: int = 0  # bytes
    target: str = ""
    pieces: Iterator[bytes] = field(default_factory=lambda: iter(()))


def unpack(file: BinaryIO, release: str) -> Iterator[TarMember]:
    """Walk a `modules` artifact of `release`; parents come before their children.

    Every path is safe to join to the folder that the members go to. Raises
    CorruptState where the archive is damaged, or not as `Packing` writes it.
    """
    seen: dict[str, str] = {"": "directory"}  # path -> kind
    try:
        with tarfile.open(fileobj=file, mode="r|", errorlevel=2) as archive:
            for info in archive:
                path = _checked(info, release, seen)
                if path:
                    yield _unpacked(archive, info, path)
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise CorruptState(f"the module archive can't be read: {error}") from error


def _unpacked(archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> TarMember:
    kind = _KINDS[info.type]
    pieces = _pieces(archive, info) if kind == "file" else iter(())
    return TarMember(path, kind, info.size, info.linkname, pieces)


def _pieces(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    content = archive.extractfile(info)
    while content and (piece := content.read(CHUNK)):
        yield piece


def _checked(info: tarfile.TarInfo, release: str, seen: dict[str, str]) -> str:
    """Return the member's path below the release's folder, empty for that itself."""
    top, _, path = info.name.partition("/")
    parent = posixpath.dirname(path)
    kind = _KINDS.get(info.type)
    if top != release or "\0" in path or posixpath.normpath(path) != (path or "."):
        raise CorruptState(f"{info.name!r} in the module archive of {release}")
    if kind is None or seen.get(parent) != "directory" or (path in seen and path):
        raise CorruptState(f"{info.name!r} does not belong in a module archive")
    if kind == "link" and not stays_inside(path, info.linkname):
        raise CorruptState(f"{info.name!r} leads out of the module archive")
    seen[path] = kind
    return path


def _header(name: str, kind: bytes, *, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    info.mode = stat.S_IMODE(DIRECTORY_MODE if kind == tarfile.DIRTYPE else FILE_MODE)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
