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


def pe_arch(head: bytes) -> str | None:
    """Name a PE file's architecture; None for no PE, or one kp doesn't serve."""
    if len(head) < _DOS_HEADER or not head.startswith(b"MZ"):
        return None
    (start,) = struct.unpack_from("<I", head, 0x3C)
    if head[start : start + 4] != b"PE\0\0" or len(head) < start + 6:
        return None
    (machine,) = struct.unpack_from("<H", head, start + 4)
    return _PE.get(machine)
