"""The header of an x86 bzImage (linux: Documentation/arch/x86/boot.rst)."""

import struct
from dataclasses import dataclass

from kpstore.errors import InvalidInput
from kpstore.formats.arch import elf_arch
from kpstore.formats.bytestream import ByteStream
from kpstore.formats.compression import inflate, sniff

HEADER = 0x250  # bytes up to the end of payload_length
_XLF_KERNEL_64 = 1
_XLOADFLAGS_SINCE = 0x020C
_PAYLOAD_SINCE = 0x0208
_CMDLINE_SIZE_SINCE = 0x0206
_SYSSIZE_SINCE = 0x0204  # in all its four bytes
_PARAGRAPH = 16  # bytes, in which syssize counts


@dataclass(frozen=True)
class Header:
    """What the header says; offsets from the start of the file, in bytes."""

    protocol: int
    banner: str
    is_64: bool | None  # None: too old to say
    cmdline_limit: int | None
    payload: tuple[int, int] | None  # offset, length
    least: int  # bytes that the whole file has


def parse(head: bytes) -> Header | None:
    """Read the header from a file's first 64 KiB; None if there is none."""
    if len(head) < HEADER or head[0x202:0x206] != b"HdrS":
        return None
    protocol, version = _u16(head, 0x206), _u16(head, 0x20E)
    setup = (1 + (head[0x1F1] or 4)) * 512
    payload, least = None, setup
    if protocol >= _SYSSIZE_SINCE:
        # the last paragraph may not be whole: loaders go by the file's own size
        least = setup + max(0, _u32(head, 0x1F4) - 1) * _PARAGRAPH
    if protocol >= _PAYLOAD_SINCE:
        payload = (setup + _u32(head, 0x248), _u32(head, 0x24C))
    return Header(
        protocol=protocol,
        banner=_text(head, 0x200 + version) if version else "",
        is_64=bool(_u16(head, 0x236) & _XLF_KERNEL_64)
        if protocol >= _XLOADFLAGS_SINCE
        else None,
        cmdline_limit=_u32(head, 0x238) if protocol >= _CMDLINE_SIZE_SINCE else None,
        payload=payload,
        least=max(least, sum(payload or ())),
    )


def arch_of(header: Header, kernel: ByteStream) -> str:
    """Tell i386 from x86_64; `kernel` stands at the file's start.

    Kernels before 3.8 don't say it in their header, so their payload's ELF header
    is asked, and those before 2.6.26, which pack none, by the release's name.
    """
    if header.is_64 is not None:
        return "x86_64" if header.is_64 else "i386"
    if header.payload and (arch := _payload_arch(header.payload[0], kernel)):
        return arch
    release = header.banner.partition(" ")[0]
    return "x86_64" if "x86_64" in release or "amd64" in release else "i386"


def _payload_arch(offset: int, kernel: ByteStream) -> str | None:
    kernel.skip(offset)
    name = sniff(kernel.peek(6))
    if name is None:
        return None
    try:
        return elf_arch(ByteStream(inflate(kernel, name)).take(64))
    except InvalidInput:
        return None


def _text(head: bytes, offset: int) -> str:
    end = head.find(b"\0", offset, offset + 512)
    return head[offset:end].decode("utf-8", "replace") if end > 0 else ""


def _u16(head: bytes, offset: int) -> int:
    return int(struct.unpack_from("<H", head, offset)[0])


def _u32(head: bytes, offset: int) -> int:
    return int(struct.unpack_from("<I", head, offset)[0])
