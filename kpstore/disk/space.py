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
    """Refuse when fewer than `bytes` or `inodes` are free where `path` is."""
    available = free(path)
    if available.bytes < bytes:
        raise Refused(
            f"{path}: {human(bytes)} needed, {human(available.bytes)} free",
            hint="make room there; nothing was written",
        )
    if available.inodes < inodes:
        raise Refused(
            f"{path}: {inodes} new files needed, {available.inodes} inodes free",
            hint="remove files there; nothing was written",
        )


def human(size: int) -> str:
    """Write a size in bytes for people: `1.5 GiB`."""
    amount = float(size)
    for unit in _UNITS[:-1]:
        if amount < _STEP:
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} {_UNITS[-1]}"
