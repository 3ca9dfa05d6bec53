"""Many files of a file system flushed at once, where the kernel's word can be trusted.

syncfs(2) flushes all that a file system holds, and since Linux 5.8 it fails if any
write to it failed since the descriptor that it is called on was opened. Before that,
and on file systems that hand it on to others (overlay, network), it may say that all
is well when it is not: there each file is flushed by itself.
"""

import os
import re
from contextlib import suppress
from typing import Final

from kpstore.disk.descriptors import DIRECTORY, about
from kpstore.disk.libc import file_system_type, sync_file_system

_TELLS_SINCE: Final = (5, 8)
_TRUSTED: Final = {  # linux/magic.h
    0xEF53,  # ext4
    0x58465342,  # xfs
    0x9123683E,  # btrfs
    0x01021994,  # tmpfs, which has nothing to lose
}


class Volumes:
    """File systems that are written to, each to be flushed once for all files."""

    def __init__(self) -> None:
        self._watched: dict[int, tuple[int, str]] = {}  # device -> directory, its path
        self._dirty: set[int] = set()

    def watch(self, directory: str) -> None:
        """From now on take files of the directory's file system, if it is trusted."""
        with about(directory):
            watched = os.open(directory, DIRECTORY)
        device = os.fstat(watched).st_dev
        if device in self._watched or not _tells_errors(watched):
            os.close(watched)
            return
        self._watched[device] = watched, directory
        with suppress(OSError):  # an old error that nobody was told is not ours
            sync_file_system(watched)

    def take(self, descriptor: int) -> bool:
        """Take over the flush of an open file or directory; False: it is yours."""
        if not self._watched:
            return False
        device = os.fstat(descriptor).st_dev
        if device not in self._watched:
            return False
        self._dirty.add(device)
        return True

    def sync(self) -> None:
        """Make durable what was taken."""
        while self._dirty:
            device = next(iter(self._dirty))
            directory, path = self._watched[device]
            with about(path):
                sync_file_system(directory)
            self._dirty.discard(device)

    def close(self) -> None:
        """Forget all file systems."""
        while self._watched:
            os.close(self._watched.popitem()[1][0])
        self._dirty.clear()


def _tells_errors(descriptor: int) -> bool:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    kernel = tuple(map(int, found.groups())) if found else (0, 0)
    return kernel >= _TELLS_SINCE and file_system_type(descriptor) in _TRUSTED
