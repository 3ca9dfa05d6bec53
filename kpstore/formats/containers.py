"""The containers that a kernel comes in, told by their first bytes.

Sources of the formats: linux Documentation/arch/{x86/boot,arm64/booting,
riscv/boot-image-header}.rst, drivers/firmware/efi/libstub/zboot-header.S,
arch/s390/boot/head.S, and the UAPI group's Unified Kernel Image specification.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

import pefile

from kpstore.formats import bzimage
from kpstore.formats.arch import elf_arch, elf_least, pe_arch
from kpstore.formats.bytestream import ByteStream

HEAD = 1 << 17  # bytes that every function here wants; s390's magic is at 64 KiB
_SLACK = 4096  # bytes by which old stubs rounded up past the end of the file


class Section(NamedTuple):
    """Where a section of a PE file lies in it, in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.offset + self.length


@dataclass(frozen=True)
class Shape:
    """What the first bytes say.

    `banner` is empty where the header has none. `payload` is the (offset, length)
    of the compressed kernel inside, if the header says so; `nested` is that of a
    whole kernel file. `least`: bytes that the file has if nothing is cut off.
    """

    format: str
    arch: str
    efi: bool = False
    banner: str = ""
    cmdline_limit: int | None = None
    payload: tuple[int, int] | None = None
    nested: tuple[int, int] | None = None
    least: int = 0


def shape_of(head: bytes, whole: ByteStream) -> Shape | None:
    """Tell the shape from a file's first `HEAD` bytes; None for none known.

    `whole` is the same file from its start, read only if the head doesn't tell.
    """
    if (header := bzimage.parse(head)) is not None:
        return _bzimage(head, header, whole)
    for reader in (_zboot, _raw_image, _unified, _elf, _s390):
        if (shape := reader(head)) is not None:
            return shape
    return None


def _bzimage(head: bytes, header: bzimage.Header, whole: ByteStream) -> Shape:
    return Shape(
        format="bzimage",
        arch=bzimage.arch_of(header, whole),
        efi=pe_arch(head) is not None,
        banner=header.banner,
        cmdline_limit=header.cmdline_limit,
        payload=header.payload,
        least=header.least,
    )


def _zboot(head: bytes) -> Shape | None:
    arch = pe_arch(head)
    if arch is None or head[4:8] != b"zimg":
        return None
    start, length = struct.unpack_from("<II", head, 8)
    return Shape("zboot", arch, efi=True, payload=(start, length), least=start + length)


def _raw_image(head: bytes) -> Shape | None:
    if head[0x38:0x3C] == b"ARM\x64":
        arch = "aarch64"
    elif head[0x30:0x35] == b"RISCV" and head[0x38:0x3C] == b"RSC\x05":
        arch = "riscv64"
    else:
        return None
    # Its own image_size counts .bss; what is in the file the stub's sections tell.
    ends = (section.end for section in pe_sections(head).values())
    least = max(0, max(ends, default=0) - _SLACK)
    return Shape("image", arch, efi=pe_arch(head) is not None, least=least)


def _unified(head: bytes) -> Shape | None:
    arch = pe_arch(head)
    nested = pe_sections(head).get(".linux") if arch else None
    if arch is None or nested is None:
        return None
    return Shape("uki", arch, efi=True, nested=nested, least=nested.end)


def _elf(head: bytes) -> Shape | None:
    arch = elf_arch(head)
    return Shape("elf", arch, least=elf_least(head)) if arch else None


def _s390(head: bytes) -> Shape | None:
    return Shape("image", "s390x") if head[0x10008:0x1000E] == b"S390EP" else None


def pe_sections(head: bytes) -> dict[str, Section]:
    """Return a PE file's sections by name, the first of each; else nothing."""
    try:
        pe = pefile.PE(data=head, fast_load=True)
    except (pefile.PEFormatError, struct.error, ValueError, IndexError, AttributeError):
        return {}  # pefile lets more than its own error out when headers lie
    found: dict[str, Section] = {}
    for section in pe.sections:
        name = section.Name.rstrip(b"\0").decode("latin-1")
        # the raw size is rounded up; the virtual one is exact
        length = min(section.SizeOfRawData, section.Misc_VirtualSize)
        found.setdefault(name, Section(section.PointerToRawData, length))
    return found
