"""Room that is kept on a disk for the way back, and given up for nothing else.

A folder with one file of real blocks and some empty ones, for inodes. Nothing depends
on it: what a crash leaves of one is made whole or given up like any other. OSErrors
leave this module raw.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from kpstore.disk import sharing
from kpstore.disk.descriptors import DIRECTORY, closing
from kpstore.disk.directories import remove, remove_tree
from kpstore.disk.space import Free, free

_BLOCKS: Final = "blocks"
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SPARE: Final = 4  # times the room must be free before it is taken
_SHORT: Final = 16  # times the room is free: enough, and it stays
_SECTOR: Final = 512  # bytes that st_blocks counts by


class Room(NamedTuple):
    """How much is kept: bytes in one file, and empty files."""

    bytes: int
    files: int


SITE: Final = Room(8 << 20, 32)
TARGET: Final = Room(256 << 10, 32)


class Reserve:
    """The reserve in the folder `home`, which is its own."""

    @property
    def spare(self) -> Room:
        """Return what must be free on the disk before it is made."""
        return Room(_SPARE * self._room.bytes, _SPARE * self._room.files)

    def __init__(self, home: Path, room: Room) -> None:
        self._home = home
        self._room = room

    def is_whole(self) -> bool:
        """Tell whether all of it is there."""
        try:
            with closing(self._open()) as home:
                found = os.stat(_BLOCKS, dir_fd=home, follow_symlinks=False)
                names = set(os.listdir(home))
        except PermissionError:  # who may not look in is who may not write either
            return True
        except OSError:
            return False
        kept = min(found.st_size, found.st_blocks * _SECTOR)
        return (
            stat.S_ISREG(found.st_mode)
            and kept >= self._room.bytes
            and names >= self._names()
        )

    def has_room(self) -> bool:
        """Tell whether the disk has room to spare for it."""
        return self._has(_SPARE)

    def keep(self) -> None:
        """Make it whole where there is room to spare."""
        if self.is_whole() or not self.has_room():
            return
        with suppress(FileExistsError):
            self._home.mkdir(mode=0o700)
        if not stat.S_ISDIR(self._home.lstat().st_mode):
            remove(self._home)
            self._home.mkdir(mode=0o700)
        with closing(self._open()) as home:
            sharing.finish(home, 0o700, self._home)
            with self._new(_BLOCKS, home) as blocks:
                os.posix_fallocate(blocks, 0, self._room.bytes)
            for name in sorted(self._names()):
                with self._new(name, home):
                    pass

    def give_up(self) -> bool:
        """Remove it where room is short; tell whether it was."""
        if not os.path.lexists(self._home) or self._has(_SHORT):
            return False
        self.remove()
        return True

    def remove(self) -> None:
        """Remove it, however much room there is."""
        remove_tree(self._home)

    def _has(self, times: int) -> bool:
        """Tell whether so many times the room is free."""
        have: Free = free(self._home.parent)
        room = self._room
        return have.bytes >= times * room.bytes and have.inodes >= times * room.files

    @contextmanager
    def _new(self, name: str, home: int) -> Iterator[int]:
        with closing(os.open(name, _NEW, 0o600, dir_fd=home)) as file:
            sharing.finish(file, 0o600, self._home)
            yield file

    def _open(self) -> int:
        return os.open(self._home, DIRECTORY | os.O_NOFOLLOW)

    def _names(self) -> set[str]:
        return {f"{number:02}" for number in range(self._room.files)}
