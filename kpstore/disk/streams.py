"""A file that arrives in pieces and is named when it is known, by its content.

OSErrors leave this module raw, naming the directory or the final path.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kpstore.disk import sharing
from kpstore.disk.descriptors import (
    about,
    clone,
    closing,
    create,
    temp_name,
    write_all,
)
from kpstore.disk.directories import make_directories, sync_directory

_CHUNK = 1 << 20


class StagedFile:
    """A file under a temporary name: filled, hashed, then kept or dropped."""

    def __init__(self, temp: Path, descriptor: int) -> None:
        self._temp = temp
        self._descriptor = descriptor
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the bytes so far, in hex."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append and hash."""
        with about(self._temp):
            write_all(self._descriptor, data)
        self._count(data)

    def clone(self, source: int) -> Iterator[bytes] | None:
        """Share the blocks of an open file, then hash what was shared piece by piece.

        None, and nothing done, where the file system can't; else the caller must
        exhaust the iterator. What is hashed is the clone: a writer to the source
        can't come between.
        """
        return self._hash_clone() if clone(source, self._descriptor) else None

    def keep(self, path: Path, *, mode: int) -> None:
        """Make the bytes durable, then the name `path`, replacing what is there."""
        make_directories(path.parent, temps=self._temp.parent)
        with about(path):
            sharing.finish(self._descriptor, mode, path)
            os.fsync(self._descriptor)
            os.rename(self._temp, path)
        sync_directory(path.parent)

    def _hash_clone(self) -> Iterator[bytes]:
        with self._temp.open("rb", buffering=0) as clone_of_source:
            while data := clone_of_source.read(_CHUNK):
                self._count(data)
                yield data

    def _count(self, data: bytes) -> None:
        self._hash.update(data)
        self.size += len(data)


@contextmanager
def staged(directory: Path) -> Iterator[StagedFile]:
    """Open a temp in `directory`; gone at the end of the block unless kept.

    Refused for who may not write there.
    """
    sharing.check_writer(directory)
    make_directories(directory)
    temp = directory / temp_name()
    with about(directory):
        descriptor = create(str(temp))
    try:
        yield StagedFile(temp, descriptor)
    finally:
        os.close(descriptor)
        with suppress(OSError):  # else the sweep takes it
            temp.unlink()


def pieces(source: int) -> Iterator[bytes]:
    """Yield the bytes of an open file from its start, wherever it stands."""
    offset = 0
    while data := os.pread(source, _CHUNK, offset):
        offset += len(data)
        yield data


def make_young(path: Path) -> bool:
    """Give a file today's time, by which a sweep spares it; False if it is gone.

    Or if it is another user's, who alone can do that to what nobody may write.
    """
    try:
        os.utime(path)
    except (FileNotFoundError, PermissionError):
        return False
    return True


def read_regular(path: Path, most: int = -1) -> bytes:
    """Return the bytes of a file, `most` at most; an OSError for what is no file.

    It never waits, as it would for the other end of a FIFO.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    with about(path), closing(os.open(path, flags)) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(most)


def sync_file(path: Path) -> None:
    """Make the bytes and the name of an existing file durable."""
    with about(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_directory(path.parent)
