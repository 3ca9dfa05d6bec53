"""The segments of an initrd, and the kernel releases whose modules it carries.

An initrd is a row of cpio archives, each plain or compressed, with zeros between
(linux: Documentation/driver-api/early-userspace/buffer-format.rst); it may end
with a boot configuration (Documentation/admin-guide/bootconfig.rst). What Linux
finds in it decides, so the places are those of init/initramfs.c.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from kpstore.errors import InvalidInput
from kpstore.formats import cpio
from kpstore.formats.bytestream import ByteStream, bounded, pieces_of
from kpstore.formats.compression import (
    UNREADABLE,
    foreign_to_linux,
    inflate,
    sniff,
)
from kpstore.formats.module_tree import module_name
from kpstore.formats.modules import firmware_name
from kpstore.model import bounds

_MODULES = re.compile(
    r"(?:usr/)?lib/modules/([A-Za-z0-9][A-Za-z0-9._+~-]{0,127})(/.*)?", re.DOTALL
)
_FIRMWARE = re.compile(r"(?:usr/)?lib/firmware/(.+)", re.DOTALL)
_MICROCODE = "kernel/x86/microcode"
_DIRECTORY = 0o040000
_TYPE = 0o170000
_BOOTCONFIG = b"#BOOTCONFIG\n"
# File systems that kernels before 2.6 took as initrd: (offset, magic, name)
_FILE_SYSTEMS = (
    (0x438, b"\x53\xef", "ext2"),
    (0, b"\x45\x3d\xcd\x28", "cramfs"),
    (0, b"hsqs", "squashfs"),
    (0, b"-rom1fs-", "romfs"),
)
_FILE_SYSTEM_HEAD = 0x43A
_ALIGNMENT = 4  # bytes


@dataclass(frozen=True)
class InitrdFacts:
    """What an initrd's bytes say.

    `releases`: the `lib/modules/<release>` in it. `segments`: in order, each
    `microcode`, `cpio`, a compression's name, `bootconfig` or a file system's.
    `size`: bytes of the file. `unreadable`: why a part could not be looked into
    (then `releases`, `modules` and `firmware` may lack something), else empty.
    `modules`: normalised names; `firmware`: file names below lib/firmware.
    """

    releases: frozenset[str]
    segments: tuple[str, ...]
    size: int
    unreadable: str = ""
    modules: frozenset[str] = frozenset()
    firmware: frozenset[str] = frozenset()

    @classmethod
    def unread(cls, size: int, why: str) -> "InitrdFacts":
        """Make the facts of a file that a person insists on."""
        return cls(frozenset(), (), size, unreadable=why)


@dataclass
class _Findings:
    """What the walk gathers."""

    releases: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    firmware: set[str] = field(default_factory=set)
    segments: list[str] = field(default_factory=list)
    unreadable: str = ""
    members: int = 0

    def note(self, member: cpio.Member) -> None:
        """Take in one member."""
        self.members += 1
        if self.members > bounds.INITRD_FILES:
            raise InvalidInput(
                f"more than {bounds.INITRD_FILES} files: no initrd has so many"
            )
        if match := _MODULES.fullmatch(member.name):
            if match[2] or member.mode & _TYPE == _DIRECTORY:
                self.releases.add(match[1])
            if name := module_name(member.name):
                self.modules.add(name)
        elif match := _FIRMWARE.fullmatch(member.name):
            self.firmware.add(firmware_name(match[1]))


def read_initrd(
    file: BinaryIO, name: str = "the initrd", *, limit: int = bounds.INITRD
) -> InitrdFacts:
    """Read an initrd's facts, streaming; `limit` bounds its bytes, inflated too.

    Raises InvalidInput for what is no initrd, or a damaged one; `name` is for
    messages.
    """
    try:
        if (size := file.seek(0, os.SEEK_END)) > limit:
            raise InvalidInput(f"{size:,} bytes, more than {limit:,}")
        file.seek(0)
        source, findings = ByteStream(pieces_of(file)), _Findings()
        _walk(source, findings, limit)
    except InvalidInput as error:
        raise InvalidInput(
            f"{name} is no initrd: {error.message}",
            hint="`--force-mismatch` takes it as it is",
        ) from error
    for _ in source.rest():  # what could not be looked into counts in the size
        pass
    return InitrdFacts(
        releases=frozenset(findings.releases),
        segments=tuple(findings.segments),
        size=source.offset,
        unreadable=findings.unreadable,
        modules=frozenset(findings.modules),
        firmware=frozenset(findings.firmware),
    )


def _walk(source: ByteStream, findings: _Findings, limit: int) -> None:
    """Go from segment to segment until the end, or to what can't be looked into."""
    if not source.peek(1):
        raise InvalidInput("it is empty")
    plain = False  # what came last
    while not findings.unreadable and _pass_zeros(source):
        head = source.peek(8)
        if head.startswith(cpio.MAGICS):
            plain = True
            findings.segments.append(_archive(source, findings))
        elif compression := sniff(head):
            if plain:
                _check_place(source, f"the {compression} behind a plain archive")
            plain = False
            limit -= _compressed(source, compression, findings, limit)
        else:
            _other(source, findings)
    if not findings.members and not findings.unreadable:
        raise InvalidInput(
            "it unpacks to nothing, not one file: did what made it fail?"
        )


def _check_place(source: ByteStream, what: str) -> None:
    """Refuse a place where Linux finds nothing (initramfs.c: `this_header & 3`)."""
    if source.offset % _ALIGNMENT:
        raise InvalidInput(
            f"{what} begins at byte {source.offset}, where Linux finds none: only "
            f"places that {_ALIGNMENT} divides count, so pad what is before by zeros"
        )


def _archive(source: ByteStream, findings: _Findings) -> str:
    _check_place(source, "the cpio archive")
    kind = "cpio"
    for member in cpio.members(source):
        findings.note(member)
        if member.name.startswith(_MICROCODE):
            kind = "microcode"
    return kind


def _compressed(
    source: ByteStream, compression: str, findings: _Findings, limit: int
) -> int:
    """Look into one compressed segment; return its size inflated."""
    findings.segments.append(compression)
    if foreign := foreign_to_linux(source.peek(8)):
        raise InvalidInput(f"at byte {source.offset} it is {foreign}")
    if compression in UNREADABLE:
        findings.unreadable = f"compressed by {compression}, which kp can't read"
        return 0
    inner = ByteStream(
        bounded(inflate(source, compression), limit, partial(_too_long, limit))
    )
    while not findings.unreadable and _pass_zeros(inner):
        if inner.peek(6).startswith(cpio.MAGICS):
            _archive(inner, findings)
        else:
            findings.unreadable = f"{compression} around {_file_system(inner)}"
    for _ in inner.rest():  # up to its end, where the next segment begins
        pass
    return inner.offset


def _other(source: ByteStream, findings: _Findings) -> None:
    """Name what is no archive: a boot configuration, or an old file system."""
    offset = source.offset
    if findings.segments:
        if not _ends_with(source.rest(), _BOOTCONFIG):
            raise InvalidInput(f"at byte {offset} no cpio archive begins")
        findings.segments.append("bootconfig")
    else:
        system = _file_system(source)
        findings.segments.append(system)
        findings.unreadable = f"{system}: a file system, not a cpio archive"


def _file_system(source: ByteStream) -> str:
    if name := _system_of(source):
        return name
    raise InvalidInput("no cpio archive, plain or compressed")


def _system_of(source: ByteStream) -> str:
    head = source.peek(_FILE_SYSTEM_HEAD)
    names = (name for at, magic, name in _FILE_SYSTEMS if head[at:].startswith(magic))
    return next(names, "")


def _pass_zeros(source: ByteStream) -> bool:
    """Skip padding; tell whether anything follows."""
    if source.offset == 0 and _system_of(source):
        return True  # an ext2 image begins with zeros
    while piece := source.piece():
        if left := piece.lstrip(b"\0"):
            source.put_back(left)
            return True
    return False


def _ends_with(pieces: Iterator[bytes], suffix: bytes) -> bool:
    tail = b""
    for piece in pieces:
        tail = (tail + piece)[-len(suffix) :]
    return tail == suffix


def _too_long(limit: int) -> InvalidInput:
    return InvalidInput(f"more than {limit} bytes when inflated")
