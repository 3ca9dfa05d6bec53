"""The Linux calls that Python's `os` lacks, through the C library."""

import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYS_OPENAT2 = 437  # the same on every architecture kp serves (asm-generic)
_SYNC_FILE_RANGE_WRITE = 2
_STATFS = 256  # bytes; more than `struct statfs` has anywhere


class _OpenHow(ctypes.Structure):
    """`struct open_how`, linux/openat2.h."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def open_beneath(directory: int, path: str, flags: int, resolve: int) -> int:
    """Call openat2; ENOSYS before Linux 5.6."""
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    return _checked(
        _LIBC.syscall(
            ctypes.c_long(_SYS_OPENAT2),
            ctypes.c_int(directory),
            os.fsencode(path),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        ),
        path,
    )


def rename_with_flags(
    old_dir: int, old: str, new_dir: int, new: str, flags: int
) -> None:
    """Call it; EINVAL or ENOSYS where `flags` are unknown."""
    _checked(
        _LIBC.renameat2(
            old_dir, os.fsencode(old), new_dir, os.fsencode(new), ctypes.c_uint(flags)
        ),
        old,
        new,
    )


def start_writeout(descriptor: int) -> None:
    """Ask the kernel to begin writing a file's bytes; returns at once.

    Only a hint that makes the fsync to come shorter, so its failure means
    nothing: the fsync is what tells.
    """
    _LIBC.sync_file_range(
        descriptor, ctypes.c_int64(0), ctypes.c_int64(0), _SYNC_FILE_RANGE_WRITE
    )


def sync_file_system(descriptor: int) -> None:
    """Call syncfs: flush all that the file system of an open file holds."""
    _checked(_LIBC.syncfs(ctypes.c_int(descriptor)), None)


def file_system_type(descriptor: int) -> int:
    """Return the f_type of fstatfs(2), a number of linux/magic.h."""
    found = ctypes.create_string_buffer(_STATFS)
    _checked(_LIBC.fstatfs(ctypes.c_int(descriptor), found), None)
    return ctypes.c_long.from_buffer(found).value  # its first field


def _checked(result: int, name: str | None, other: str | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name, None, other)
    return result
