"""Architectures: kp's names for what boot files' headers say."""

import struct

# ELF e_machine (System V gABI) where class 64 and both byte orders agree ...
_ELF = {
    (3, 1): "i386",
    (62, 2): "x86_64",
    (183, 2): "aarch64",
    (50, 2): "ia64",
    (22, 2): "s390x",
    (243, 2): "riscv64",
}
_ELF_PPC64 = (21, 2)  # ... and where the byte order tells two of them apart
_ELF_HEADER = 20  # bytes up to the end of e_machine
_DOS_HEADER = 64
_LOADED = 1  # PT_LOAD
# PE Machine (Microsoft PE format, "Machine types")
_PE = {
    0x014C: "i386",
    0x8664: "x86_64",
    0xAA64: "aarch64",
    0x0200: "ia64",
    0x5064: "riscv64",
}


def elf_arch(head: bytes) -> str | None:
    """Name an ELF file's architecture; None for no ELF, or one kp doesn't serve."""
    if len(head) < _ELF_HEADER or not head.startswith(b"\x7fELF"):
        return None
    little = head[5] == 1
    (machine,) = struct.unpack_from("<H" if little else ">H", head, 18)
    if (machine, head[4]) == _ELF_PPC64:
        return "ppc64le" if little else "ppc64"
    return _ELF.get((machine, head[4]))


def elf_least(head: bytes) -> int:
    """Return how many bytes an ELF file has if none that is loaded is cut off.

    As far as the program headers in `head` tell (System V gABI, chapter 5).
    """
    wide, order = head[4:5] == b"\2", "<" if head[5:6] == b"\1" else ">"
    at, counts, size = (32, 54, 56) if wide else (28, 42, 32)
    fields = f"{order}8xQ16xQ" if wide else f"{order}4xI8xI"  # p_offset, p_filesz
    if len(head) < counts + 4:
        return 0
    (start,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, at)
    each, number = struct.unpack_from(f"{order}HH", head, counts)
    if each != size:
        return 0
    places = range(start, min(start + number * size, len(head) - size + 1), size)
    ends = (
        sum(struct.unpack_from(fields, head, place))
        for place in places
        if struct.unpack_from(f"{order}I", head, place) == (_LOADED,)
    )
    return max(ends, default=0)


def pe_arch(head: bytes) -> str | None:
    """Name a PE file's architecture; None for no PE, or one kp doesn't serve."""
    if len(head) < _DOS_HEADER or not head.startswith(b"MZ"):
        return None
    (start,) = struct.unpack_from("<I", head, 0x3C)
    if head[start : start + 4] != b"PE\0\0" or len(head) < start + 6:
        return None
    (machine,) = struct.unpack_from("<H", head, start + 4)
    return _PE.get(machine)
