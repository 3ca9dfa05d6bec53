"""Facts of a Xen hypervisor: `xen.gz` (multiboot, maybe packed) or `xen.efi`."""

import re
from dataclasses import dataclass
from typing import BinaryIO

from kpstore.errors import InvalidInput
from kpstore.formats.arch import elf_arch, pe_arch
from kpstore.formats.bytestream import ByteStream, bounded, pieces_of
from kpstore.formats.compression import inflate, sniff

MAX_XEN = 1 << 26  # bytes, inflated; 4.17 has 2.6 MB
_HEAD = 1 << 16
_HINT = "its file is called /boot/xen-<version>.gz or .efi"

# xen/common/kernel.c: the format of the banner, which no other program has
_XEN = b"Xen version %d.%d%s"
# xen/common/version.c: the version string, then the compiler's
_VERSION = re.compile(
    rb"\0([0-9]*\.[0-9][A-Za-z0-9.+~_-]{0,60})\0+[^\0]{0,60}(?:gcc|clang)[ (]"
)


@dataclass(frozen=True)
class XenFacts:
    """What a hypervisor's bytes say.

    `version` is empty where they don't tell the whole of it. `format`: elf or efi.
    """

    version: str
    arch: str
    format: str
    compression: str


def read_xen(file: BinaryIO, name: str = "the hypervisor") -> XenFacts:
    """Read a hypervisor's facts; InvalidInput for what is none.

    `file` stands at its start; `name` is for messages.
    """
    try:
        compression, data = _whole(file)
    except InvalidInput as error:
        hint = error.hint or _HINT
        raise InvalidInput(f"{name}: {error.message}", hint=hint) from error
    head, version = data[:_HEAD], _VERSION.search(data)
    arch = pe_arch(head) or elf_arch(head)
    if _XEN not in data or arch is None:
        raise InvalidInput(f"{name} is no Xen hypervisor", hint=_HINT)
    return XenFacts(
        version=_full_version(version),
        # A 64-bit hypervisor's multiboot file is 32-bit ELF, and since Xen 4.3
        # (2013) there are no others.
        arch="x86_64" if arch == "i386" else arch,
        format="efi" if pe_arch(head) else "elf",
        compression=compression,
    )


def _full_version(match: re.Match[bytes] | None) -> str:
    """Return the version; empty when major and minor numbers are not text there."""
    return match[1].decode() if match and not match[1].startswith(b".") else ""


def _whole(file: BinaryIO) -> tuple[str, bytes]:
    """Return the compression's name and the inflated bytes."""
    source = ByteStream(pieces_of(file))
    compression = sniff(source.peek(6)) or ""
    pieces = inflate(source, compression) if compression else source.rest()
    return compression, b"".join(bounded(pieces, MAX_XEN, _too_long))


def _too_long() -> InvalidInput:
    return InvalidInput(f"more than {MAX_XEN} bytes when inflated: no Xen is so large")
