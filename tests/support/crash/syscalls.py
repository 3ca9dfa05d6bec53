"""The system calls that change files (and, apart, those that read them), by number.

x86_64 Linux only. What is not here is invisible to the sweep and to the power-loss
model: io_uring and writes through a shared memory map (the model refuses both, see
recorder.py), and calls of a library that talks to another process.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

FICLONE = 0x40049409
FICLONERANGE = 0x4020940D
_CHANGING_OPEN = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR
_PAGE = 4096


@dataclass(frozen=True)
class Spec:
    """One system call: its operands, and the arguments that make it interesting.

    `paths` are (index of the directory descriptor or None, index of the path);
    `fds` the indices of descriptors; `length` the index of a byte count.
    It matters only if argument `mask[0]` has a bit of `mask[1]`, or argument
    `equal[0]` is one of `equal[1]`.
    """

    nr: int
    name: str
    family: str
    paths: tuple[tuple[int | None, int], ...] = ()
    fds: tuple[int, ...] = ()
    length: int | None = None
    mask: tuple[int, int] | None = None
    equal: tuple[int, tuple[int, ...]] | None = None


_ONE, _AT = ((None, 0),), ((0, 1),)
_CLONES = (FICLONE, FICLONERANGE)

CHANGING: tuple[Spec, ...] = (
    Spec(1, "write", "write", fds=(0,), length=2),
    Spec(18, "pwrite64", "write", fds=(0,), length=2),
    Spec(20, "writev", "write", fds=(0,)),
    Spec(296, "pwritev", "write", fds=(0,)),
    Spec(328, "pwritev2", "write", fds=(0,)),
    Spec(2, "open", "open", paths=_ONE, mask=(1, _CHANGING_OPEN)),
    Spec(85, "creat", "open", paths=_ONE),
    Spec(257, "openat", "open", paths=_AT, mask=(2, _CHANGING_OPEN)),
    Spec(437, "openat2", "open", paths=_AT),
    Spec(40, "sendfile", "copy", fds=(0, 1), length=3),
    Spec(326, "copy_file_range", "copy", fds=(2, 0), length=4),
    Spec(16, "ioctl", "copy", fds=(0,), equal=(1, _CLONES)),
    Spec(76, "truncate", "resize", paths=_ONE),
    Spec(77, "ftruncate", "resize", fds=(0,)),
    Spec(285, "fallocate", "resize", fds=(0,)),
    Spec(74, "fsync", "sync", fds=(0,)),
    Spec(75, "fdatasync", "sync", fds=(0,)),
    Spec(162, "sync", "sync"),
    Spec(306, "syncfs", "sync", fds=(0,)),
    Spec(277, "sync_file_range", "sync", fds=(0,)),
    Spec(82, "rename", "move", paths=((None, 0), (None, 1))),
    Spec(264, "renameat", "move", paths=((0, 1), (2, 3))),
    Spec(316, "renameat2", "move", paths=((0, 1), (2, 3))),
    Spec(86, "link", "make", paths=((None, 1),)),
    Spec(265, "linkat", "make", paths=((2, 3),)),
    Spec(88, "symlink", "make", paths=((None, 1),)),
    Spec(266, "symlinkat", "make", paths=((1, 2),)),
    Spec(83, "mkdir", "make", paths=_ONE),
    Spec(258, "mkdirat", "make", paths=_AT),
    Spec(133, "mknod", "make", paths=_ONE),
    Spec(259, "mknodat", "make", paths=_AT),
    Spec(87, "unlink", "remove", paths=_ONE),
    Spec(263, "unlinkat", "remove", paths=_AT),
    Spec(84, "rmdir", "remove", paths=_ONE),
    Spec(90, "chmod", "mode", paths=_ONE),
    Spec(91, "fchmod", "mode", fds=(0,)),
    Spec(268, "fchmodat", "mode", paths=_AT),
    Spec(452, "fchmodat2", "mode", paths=_AT),
    Spec(92, "chown", "owner", paths=_ONE),
    Spec(93, "fchown", "owner", fds=(0,)),
    Spec(94, "lchown", "owner", paths=_ONE),
    Spec(260, "fchownat", "owner", paths=_AT),
    Spec(280, "utimensat", "times", paths=_AT),
    Spec(188, "setxattr", "owner", paths=_ONE),
    Spec(189, "lsetxattr", "owner", paths=_ONE),
    Spec(190, "fsetxattr", "owner", fds=(0,)),
)

READING: tuple[Spec, ...] = (
    Spec(0, "read", "read", fds=(0,), length=2),
    Spec(17, "pread64", "read", fds=(0,), length=2),
    Spec(2, "open", "read", paths=_ONE),
    Spec(257, "openat", "read", paths=_AT),
    Spec(437, "openat2", "read", paths=_AT),
    Spec(217, "getdents64", "read", fds=(0,)),
    Spec(89, "readlink", "read", paths=_ONE),
    Spec(267, "readlinkat", "read", paths=_AT),
)

UNMODELLED: tuple[Spec, ...] = (
    Spec(9, "mmap", "map", fds=(4,), mask=(3, 1)),
    Spec(425, "io_uring_setup", "map"),
)


@dataclass(frozen=True)
class Call:
    """A system call that a stopped process is about to make."""

    pid: int
    spec: Spec
    args: tuple[int, ...]

    def fd(self, index: int) -> int:
        """Argument `index` as a C int: AT_FDCWD is -100."""
        return ctypes.c_int(self.args[index] & 0xFFFFFFFF).value

    def memory(self, address: int, size: int) -> bytes:
        """Up to `size` bytes of the process's memory."""
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as mem:
            mem.seek(address)
            return mem.read(size)

    def string(self, index: int) -> str:
        """The path that argument `index` points to."""
        address, found = self.args[index], b""
        while b"\0" not in found:
            step = _PAGE - (address % _PAGE)  # the next page may not be mapped
            found += self.memory(address, step)
            address += step
        return os.fsdecode(found.partition(b"\0")[0])

    def fd_link(self, index: int) -> str:
        """A path that reaches descriptor number `index` from our process."""
        fd = self.fd(index)
        where = "cwd" if fd == -100 else f"fd/{fd}"
        return f"/proc/{self.pid}/{where}"

    def operand(self, which: tuple[int | None, int]) -> str:
        """A path that reaches this path operand from our process."""
        at, index = which
        base = f"/proc/{self.pid}/cwd" if at is None else self.fd_link(at)
        text = self.string(index)
        return os.path.join(base, text) if text else base

    def places(self) -> list[str]:
        """The operands as absolute paths, links of the parent resolved."""
        named = [_place(self.operand(which)) for which in self.spec.paths]
        return named + [_target(self.fd_link(index)) for index in self.spec.fds]

    def open_flags(self) -> int:
        """The flags of an open, whichever of the four calls it is."""
        if self.spec.name == "openat2":
            return int.from_bytes(self.memory(self.args[2], 8), "little")
        if self.spec.name == "creat":
            return os.O_CREAT | os.O_WRONLY | os.O_TRUNC
        return self.args[1 if self.spec.name == "open" else 2]

    def counts(self) -> bool:
        """Whether it is one of its kind that matters (openat2's flags say)."""
        if self.spec.name != "openat2" or self.spec.family != "open":
            return True
        return bool(self.open_flags() & _CHANGING_OPEN)


def _place(path: str) -> str:
    parent, name = os.path.split(path.rstrip("/"))
    return os.path.join(os.path.realpath(parent), name)


def _target(link: str) -> str:
    try:
        return str(Path(link).readlink())
    except OSError:
        return "closed"
