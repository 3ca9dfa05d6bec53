"""The kernel's side of the tracer, by ctypes: ptrace, registers, a seccomp filter.

The filter makes the kernel stop the child at the listed system calls only; all
others run at full speed (stopping at every call costs about ten times as much).
x86_64 Linux 4.8 or later; no root is needed.
"""

import ctypes
import os
import platform
from collections.abc import Iterable

from support.crash.syscalls import Spec

TRACEME, CONT, GETREGS, SETREGS, SYSCALL = 0, 7, 12, 13, 24
_SETOPTIONS = 0x4200
_OPTIONS = (
    0x01  # TRACESYSGOOD
    | 0x02  # TRACEFORK
    | 0x04  # TRACEVFORK
    | 0x08  # TRACECLONE
    | 0x10  # TRACEEXEC
    | 0x80  # TRACESECCOMP
    | 0x100000  # EXITKILL: a dead tracer leaves nothing behind
)
EVENT_SECCOMP = 7
WALL = 0x40000000

_SET_NO_NEW_PRIVS, _SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_ALLOW, _TRACE, _X86_64 = 0x7FFF0000, 0x7FF00000, 0xC000003E
_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


_REGISTERS = (
    *("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8"),
    *("rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags"),
    *("rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"),
)


class Registers(ctypes.Structure):
    """struct user_regs_struct of x86_64."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in _REGISTERS]

    def arguments(self) -> tuple[int, ...]:
        """The six arguments of the system call."""
        return (self.rdi, self.rsi, self.rdx, self.r10, self.r8, self.r9)

    def result(self) -> int:
        """The result of the system call; -errno when it failed."""
        return ctypes.c_long(self.rax).value


def unsupported() -> str | None:
    """Say why the tracer can't work on this machine at all, or None."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return f"the tracer is for x86_64 Linux, this is {platform.platform()}"
    return None


def _ptrace(request: int, pid: int, data: object = None) -> None:
    if _libc.ptrace(request, pid, None, data) == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace request {request:#x}: {os.strerror(code)}")


def trace_me() -> None:
    """In the child: let the parent trace this process."""
    _ptrace(TRACEME, 0)


def adopt(pid: int) -> None:
    """Set the options of a stopped child: follow its children, die with us."""
    _ptrace(_SETOPTIONS, pid, ctypes.c_void_p(_OPTIONS))


def resume(pid: int, signal: int = 0, *, to_exit: bool = False) -> None:
    """Let a stopped process run on, to the end of the present call if `to_exit`."""
    _ptrace(SYSCALL if to_exit else CONT, pid, ctypes.c_void_p(signal))


def registers(pid: int) -> Registers:
    """The registers of a stopped process."""
    found = Registers()
    _ptrace(GETREGS, pid, ctypes.byref(found))
    return found


def set_registers(pid: int, new: Registers) -> None:
    """Replace the registers of a stopped process."""
    _ptrace(SETREGS, pid, ctypes.byref(new))


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("operand", ctypes.c_uint),
    ]


class _Program(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_ushort),
        ("code", ctypes.POINTER(_Instruction)),
    ]


def stop_at(specs: Iterable[Spec]) -> None:
    """In the child: from now on stop at these calls. They fail without a tracer."""
    lines = [(_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, _X86_64), (_RETURN, 0, 0, _ALLOW)]
    lines.append((_LOAD, 0, 0, 0))
    for spec in specs:
        lines += _rule(spec)
    lines.append((_RETURN, 0, 0, _ALLOW))
    code = (_Instruction * len(lines))(*(_Instruction(*line) for line in lines))
    program = _Program(len(lines), code)
    _prctl(_SET_NO_NEW_PRIVS, ctypes.c_ulong(1))
    _prctl(_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), ctypes.byref(program))


def _rule(spec: Spec) -> list[tuple[int, int, int, int]]:
    stop, go_on = (_RETURN, 0, 0, _TRACE), (_RETURN, 0, 0, _ALLOW)
    body = [stop]
    if spec.mask:
        index, bits = spec.mask
        body = [(_LOAD, 0, 0, 16 + 8 * index), (_JUMP_SET, 0, 1, bits), stop, go_on]
    elif spec.equal:
        index, values = spec.equal
        tests = [
            (_JUMP_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)
        ]
        body = [(_LOAD, 0, 0, 16 + 8 * index), *tests, go_on, stop]
    return [(_JUMP_EQUAL, 0, len(body), spec.nr), *body]


def _prctl(option: int, *args: object) -> None:
    padding = [ctypes.c_ulong(0)] * (4 - len(args))
    if _libc.prctl(option, *args, *padding) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")
