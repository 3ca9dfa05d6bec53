"""The smallest valid kernels, initrds and module trees, for `kp demo` and tests.

None of them boots, but every header says what a real one says, at the place where
loaders and kp read it. Equal arguments give equal bytes.
"""

import bz2
import gzip
import io
import lzma
import re
import struct
from collections.abc import Callable, Iterable, Mapping

import zstandard

_PE_MACHINES = {"x86_64": 0x8664, "i386": 0x14C, "aarch64": 0xAA64, "riscv64": 0x5064}
# arch -> e_machine, class (1: 32 bits, 2: 64), byte order for struct
_ELF_MACHINES = {
    "i386": (3, 1, "<"),
    "x86_64": (62, 2, "<"),
    "aarch64": (183, 2, "<"),
    "ppc64": (21, 2, ">"),
    "ppc64le": (21, 2, "<"),
    "ia64": (50, 2, "<"),
    "s390x": (22, 2, ">"),
    "riscv64": (243, 2, "<"),
}


def lz4(data: bytes) -> bytes:
    """Pack as `lz4 -l` does, but nothing is found in it except rows of zeros."""
    starts = range(0, len(data), 8 << 20)
    blocks = (_lz4_block(data[at : at + (8 << 20)]) for at in starts)
    body = b"".join(struct.pack("<I", len(block)) + block for block in blocks)
    return b"\x02\x21\x4c\x18" + body + bytes(4)


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    "bzip2": bz2.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "lz4": lz4,
}

# --- kernels


def banner(release: str) -> str:
    """Return what the kernel `release` says of itself."""
    return f"{release} (builder@kp) #1 SMP PREEMPT_DYNAMIC Thu Jan 1 00:00:00 UTC 1970"


def bzimage(
    release: str,
    arch: str = "x86_64",
    *,
    protocol: int = 0x020F,
    payload: bytes = b"",
    says_release: bool = True,
) -> bytes:
    """Build an x86 kernel with an EFI stub (linux: arch/x86/boot/header.S)."""
    setup = bytearray(2048)  # 4 sectors
    setup[0:2] = b"MZ"
    _put_pe(setup, 0x80, arch)
    struct.pack_into("<BH", setup, 0x1F1, 3, 1)  # setup_sects, root_flags
    struct.pack_into("<H", setup, 0x1FE, 0xAA55)
    setup[0x200:0x202] = b"\xeb\x6a"
    struct.pack_into("<4sH", setup, 0x202, b"HdrS", protocol)
    struct.pack_into("<H", setup, 0x20E, 0x200 if says_release else 0)
    setup[0x211] = 1  # loaded high: a bzImage, not a zImage
    struct.pack_into("<H", setup, 0x236, 1 if arch == "x86_64" else 0)
    struct.pack_into("<I", setup, 0x238, 2047)
    struct.pack_into("<II", setup, 0x248, 0, len(payload))
    text = banner(release).encode() + b"\0"
    setup[0x400 : 0x400 + len(text)] = text
    return bytes(setup) + payload


def raw_image(release: str, arch: str = "aarch64") -> bytes:
    """Build an arm64 or riscv `Image` with an EFI stub."""
    head = bytearray(0x200)
    head[0:2] = b"MZ"
    if arch == "riscv64":
        head[0x30:0x35], head[0x38:0x3C] = b"RISCV", b"RSC\x05"
    else:
        head[0x38:0x3C] = b"ARM\x64"
    _put_pe(head, 0x80, arch)
    return bytes(head) + _linux_version(release)


def zboot(release: str, compression: str = "gzip", arch: str = "aarch64") -> bytes:
    """Build an EFI zboot image around a raw one."""
    payload = COMPRESSORS[compression](raw_image(release, arch))
    head = bytearray(0x200)
    struct.pack_into("<4s4sII", head, 0, b"MZ\0\0", b"zimg", len(head), len(payload))
    head[24 : 24 + len(compression)] = compression.encode()
    _put_pe(head, 0x80, arch)
    return bytes(head) + payload


def unified(
    release: str, arch: str = "x86_64", more: Mapping[str, bytes] = {}
) -> bytes:
    """Build a unified kernel image: a PE file with the kernel as section `.linux`.

    `more`: other sections by name, which stand before it.
    """
    parts = {**more, ".linux": bzimage(release, arch)}
    head, body = bytearray(0x400), b""
    head[0:2] = b"MZ"
    _put_pe(head, 0x80, arch, sections=len(parts))
    for at, (name, data) in enumerate(parts.items()):
        start = len(head) + len(body)
        entry = (name.encode(), len(data), 0x1000, len(data), start)
        struct.pack_into("<8sIIII", head, 0x80 + 24 + 0xF0 + 40 * at, *entry)
        body += data
    return bytes(head) + body


def elf(release: str, arch: str = "x86_64", content: bytes = b"") -> bytes:
    """Build a vmlinux, around `content` instead of a banner if that is given."""
    return _elf_header(arch) + (content or _linux_version(release))


def xen(version: str, *, packed: bool = True) -> bytes:
    """Build a Xen hypervisor for x86_64, as multiboot file."""
    text = b"\0Xen version %d.%d%s (%s@%s) (%s) %s %s\0"
    text += version.encode() + b"\0gcc (Debian 12.2.0) 12.2.0\0"
    data = _elf_header("i386") + text
    return COMPRESSORS["gzip"](data) if packed else data


# --- initrds


def cpio(members: Mapping[str, bytes | None] | Iterable[str]) -> bytes:
    """Build a newc archive; a name without content (None) is a directory."""
    if not isinstance(members, Mapping):
        members = dict.fromkeys(members)
    body = b"".join(
        _cpio_member(name, content, at)
        for at, (name, content) in enumerate(members.items(), start=1)
    )
    return body + _cpio_member("TRAILER!!!", b"", 0)


def microcode() -> bytes:
    """Build the plain archive that early microcode comes in."""
    return cpio({"kernel/x86/microcode/GenuineIntel.bin": b"\x01" * 48})


def initrd(
    release: str | None,
    compression: str = "gzip",
    *,
    early: bool = False,
    modules: Iterable[str] = ("e1000",),
    content: bytes = b"#!/bin/sh\n",
) -> bytes:
    """Build an initrd; `release` None leaves the modules out, `content` is its init."""
    members: dict[str, bytes | None] = {"init": content}
    if release is not None:
        for folder in ("lib", "lib/modules", f"lib/modules/{release}"):
            members[folder] = None
        for name in modules:
            members[f"lib/modules/{release}/{name}.ko"] = module(release)
    packed = COMPRESSORS[compression](cpio(members))
    return (microcode() if early else b"") + packed


# --- module trees


def module(release: str) -> bytes:
    """Build a kernel module's file."""
    return b"\x7fELF\x02\x01" + bytes(58) + f"vermagic={release} SMP\0".encode()


def module_files(
    release: str, modules: Iterable[str] = ("e1000", "nfs")
) -> dict[str, bytes]:
    """Return the files of `lib/modules/<release>` by path below that folder."""
    paths = [f"kernel/{name}.ko" for name in modules]
    files = dict.fromkeys(paths, module(release))
    files["modules.builtin"] = b"kernel/fs/ext4/ext4.ko\n"
    files["modules.dep"] = "".join(f"{path}:\n" for path in paths).encode()
    files["modules.order"] = "".join(f"{path}\n" for path in paths).encode()
    return files


def config(*, rt: bool = False, dom0: bool = False) -> str:
    """Return the build configuration of a believable kernel."""
    lines = ["CONFIG_SMP=y", "CONFIG_NR_CPUS=512", "CONFIG_BLK_DEV_INITRD=y"]
    lines += ["CONFIG_EFI_STUB=y", "CONFIG_OVERLAY_FS=m", "CONFIG_MODULES=y"]
    lines += ["CONFIG_PREEMPT_RT=y"] if rt else ["CONFIG_PREEMPT_VOLUNTARY=y"]
    lines += ["CONFIG_XEN=y", "CONFIG_XEN_DOM0=y"] if dom0 else []
    return "\n".join([*lines, "# CONFIG_KERRIGHED is not set", ""])


# --- how


def _lz4_block(data: bytes) -> bytes:
    out, done = b"", 0
    for run in re.finditer(rb"\0{32,}", data):
        start, end = run.start() + 1, min(run.end(), len(data) - 12)
        if (match := end - start - 4) >= 0:
            out += _lz4_sequence(data[done:start], match)
            done = end
    return out + _lz4_sequence(data[done:])


def _lz4_sequence(literals: bytes, match: int | None = None) -> bytes:
    """Build a sequence; `match` is its length less 4, at the offset 1."""
    token = min(len(literals), 15) << 4 | min(match or 0, 15)
    head = bytes([token]) + _lz4_length(len(literals)) + literals
    return head if match is None else head + b"\x01\0" + _lz4_length(match)


def _lz4_length(length: int) -> bytes:
    rest = length - 15
    return b"" if rest < 0 else b"\xff" * (rest // 255) + bytes([rest % 255])


def _linux_version(release: str) -> bytes:
    return b"\0Linux version " + banner(release).encode() + b"\n\0"


def _elf_header(arch: str) -> bytes:
    machine, bits, order = _ELF_MACHINES[arch]
    ident = b"\x7fELF" + bytes((bits, 1 if order == "<" else 2, 1)) + bytes(9)
    return ident + struct.pack(f"{order}HH", 2, machine) + bytes(44)


def _put_pe(head: bytearray, offset: int, arch: str, sections: int = 0) -> None:
    """Write a PE header at `offset` and the pointer to it."""
    struct.pack_into("<I", head, 0x3C, offset)
    struct.pack_into(
        "<4sHHIIIHH",
        head,
        offset,
        b"PE\0\0",
        _PE_MACHINES[arch],
        sections,
        0,
        0,
        0,
        0xF0,  # the optional header's size
        0x0206,  # executable
    )
    struct.pack_into("<H", head, offset + 24, 0x20B)  # PE32+
    struct.pack_into("<II", head, offset + 24 + 32, 0x1000, 0x200)  # alignments


def _cpio_member(name: str, content: bytes | None, inode: int) -> bytes:
    mode = 0o040755 if content is None else 0o100644
    data, text = content or b"", name.encode() + b"\0"
    numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
    out = io.BytesIO()
    out.write(b"070701" + b"".join(b"%08X" % number for number in numbers) + text)
    out.write(bytes(-out.tell() % 4) + data)
    out.write(bytes(-out.tell() % 4))
    return out.getvalue()
