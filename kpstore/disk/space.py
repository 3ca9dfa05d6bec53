"""Is there room? Asked before anything is written."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

from kpstore.errors import Refused

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024


class Free(NamedTuple):
    """What a file system has left for ordinary users."""

    bytes: int
    inodes: int  # sys.maxsize where inodes are made as needed (btrfs)


def free(path: Path) -> Free:
    """Measure the file system of `path` or of its nearest existing parent.

    Raises OSError.
    """
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    inodes = found.f_favail if found.f_files else sys.maxsize
    return Free(found.f_bavail * found.f_frsize, inodes)


def require(path: Path, bytes: int, inodes: int) -> None:
    """Refuse when fewer than `bytes` or `inodes` are free where `path` is.

    The message has both, needed and free, and where the file system is mounted.
    """
    available = free(path)
    lacking = [
        what
        for what, needed, there in (
            ("bytes", bytes, available.bytes),
            ("inodes", inodes, available.inodes),
        )
        if there < needed
    ]
    if lacking:
        left = "any" if available.inodes == sys.maxsize else f"{available.inodes:,}"
        raise Refused(
            f"{path}: no room on {mount_of(path)}, {' and '.join(lacking)} are short: "
            f"{human(bytes)} and {inodes:,} inodes needed, "
            f"{human(available.bytes)} and {left} inodes free",
            hint=f"make room on {mount_of(path)}; nothing was written",
        )


def mount_of(path: Path) -> Path:
    """Return where the file system is mounted that `path` is on, or will be."""
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    path = path.resolve()
    while not path.is_mount() and path != path.parent:
        path = path.parent
    return path


def human(size: int) -> str:
    """Write a size in bytes for people: `1.5 GiB`."""
    amount = float(size)
    for unit in _UNITS[:-1]:
        if amount < _STEP:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} {_UNITS[-1]}"
