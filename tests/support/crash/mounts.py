"""Mounts of our own, by system calls: private namespace, loop devices, tmpfs.

Needs root (CAP_SYS_ADMIN) and /dev/loop-control. Everything happens in a private mount
namespace: when its last process ends, the kernel takes the mounts and (by autoclear)
the loop devices away, whatever went wrong.
"""

import ctypes
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLONE_NEWNS = 0x20000
_REC, _PRIVATE, _REMOUNT = 0x4000, 1 << 18, 32
_DETACH = 2
_LOOP_CONFIGURE, _LOOP_GET_FREE, _AUTOCLEAR = 0x4C0A, 0x4C82, 4

_libc = ctypes.CDLL(None, use_errno=True)


class MountError(OSError):
    """The kernel refused a mount, or to give it up."""


def _checked(result: int, doing: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise MountError(code, f"{doing}: {os.strerror(code)}")


def private_namespace() -> None:
    """From now on this process's mounts are its own."""
    _checked(_libc.unshare(_CLONE_NEWNS), "unshare the mount namespace (root?)")
    _mount(None, Path("/"), None, _REC | _PRIVATE, "")


def _mount(
    source: str | None, target: Path, kind: str | None, flags: int, options: str
) -> None:
    def text(value: str | None) -> bytes | None:
        return None if value is None else value.encode()

    result = _libc.mount(
        text(source),
        os.fsencode(target),
        text(kind),
        ctypes.c_ulong(flags),
        options.encode(),
    )
    _checked(result, f"mount {kind} on {target} ({options})")


def unmount(target: Path) -> None:
    """Unmount; what still has open files goes when they are closed."""
    if _libc.umount2(os.fsencode(target), 0) == 0:
        return
    if ctypes.get_errno() != errno.EBUSY:
        _checked(1, f"umount {target}")
    _checked(_libc.umount2(os.fsencode(target), _DETACH), f"umount {target}")


@contextmanager
def mounted_image(backing: int, target: Path, options: str = "") -> Iterator[None]:
    """Mount the ext4 image in the open file `backing` through a loop device."""
    device, path = _loop_over(backing)
    try:
        _mount(path, target, "ext4", 0, options)
    finally:
        os.close(device)
    try:
        yield
    finally:
        unmount(target)


def _loop_over(backing: int) -> tuple[int, str]:
    """Attach a free loop device; it detaches when its last user has gone."""
    config = struct.pack("<II40x12xI160x64x", backing, 0, _AUTOCLEAR)
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        while True:
            path = f"/dev/loop{fcntl.ioctl(control, _LOOP_GET_FREE)}"
            device = os.open(path, os.O_RDWR)
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, config)
                return device, path
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:  # else somebody was faster
                    raise
    finally:
        os.close(control)


@contextmanager
def mounted_tmpfs(target: Path, options: str) -> Iterator[None]:
    """Mount a new tmpfs, for example with "size=64k,nr_inodes=20"."""
    _mount("kp-crash", target, "tmpfs", 0, options)
    try:
        yield
    finally:
        unmount(target)


def resize_tmpfs(target: Path, options: str) -> None:
    """Change the limits of a mounted tmpfs."""
    _mount("kp-crash", target, "tmpfs", _REMOUNT, options)
