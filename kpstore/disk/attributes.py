"""Mode and owner of what is there, of a name itself: a link is never followed.

Not durable by itself. OSErrors leave this module raw. Needs /proc.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpstore.disk.descriptors import about, closing

_THERE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def set_mode(path: Path, mode: int, *, also: bool = False) -> None:
    """Give a file or folder its mode, or add those bits; a link has none."""
    with _held(path) as (place, found):
        if not stat.S_ISLNK(found.st_mode):
            os.chmod(place, stat.S_IMODE(found.st_mode) | mode if also else mode)


def set_owner(path: Path, owner: int) -> None:
    """Give a file or folder its owner by number; the group stays."""
    with _held(path) as (place, found):
        if not stat.S_ISLNK(found.st_mode):
            os.chown(place, owner, -1)


@contextmanager
def _held(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    with about(path), closing(os.open(path, _THERE)) as found:
        yield f"/proc/self/fd/{found}", os.fstat(found)
