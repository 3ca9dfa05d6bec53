"""A disk that remembers every write and every flush, served by FUSE.

The "disk" is one file in a FUSE mount; a loop device over it makes it a block device.
The kernel's block layer turns every barrier and FUA write into a flush of the file,
so what was written before the last flush is durable, and nothing else need be.
Needs /dev/fuse, root, libfuse2 (Debian packages fuse3, libfuse2) and fusepy.
"""

import contextlib
import os
import signal
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from support.crash.child import SharedLog, fork
from support.crash.mounts import unmount

NAME = "disk"
_HEADER = struct.Struct("<QQQ")  # acks, offset (all ones: a flush), length
_FLUSH = 2**64 - 1
_WAIT = 120.0  # seconds for the server to appear


@dataclass(frozen=True)
class Entry:
    """A write (or a flush: no data), and how many acks had been given before it."""

    acks: int
    offset: int
    data: bytes | None

    @property
    def is_flush(self) -> bool:
        """Whether everything before this entry is durable once it is done."""
        return self.data is None


@dataclass
class BlockLog:
    """The log of one served image."""

    before: bytes
    file: int

    def image(self) -> bytes:
        """The image as it is now: what was served first, and every write since."""
        now = bytearray(self.before)
        for entry in self.entries(0, self.size()):
            if entry.data is not None:
                now[entry.offset : entry.offset + len(entry.data)] = entry.data
        return bytes(now)

    def size(self) -> int:
        """Bytes logged so far: a position to read from or to."""
        return os.fstat(self.file).st_size

    def entries(self, start: int, end: int) -> list[Entry]:
        """What was logged between two positions."""
        raw = os.pread(self.file, end - start, start)
        found, at = [], 0
        while at < len(raw):
            acks, offset, length = _HEADER.unpack_from(raw, at)
            at += _HEADER.size
            data = None if offset == _FLUSH else raw[at : at + length]
            found.append(Entry(acks, offset, data))
            at += length
        return found


def _record(log: int, acks: SharedLog, offset: int | None, data: bytes) -> None:
    where = _FLUSH if offset is None else offset
    os.writev(log, [_HEADER.pack(len(acks), where, len(data)), data])


@contextmanager
def served(image: bytes, mountpoint: Path, acks: SharedLog) -> Iterator[BlockLog]:
    """Serve `image` as `mountpoint`/disk and log what happens to it.

    Raises OSError where libfuse is missing.
    """
    # Tests are collected on machines that have no libfuse.
    from support.crash.blockfile import BlockFile, serve  # noqa: PLC0415

    log = os.memfd_create("kp-crash-log")
    pid = fork()
    if pid == 0:
        try:
            serve(BlockFile(NAME, image, partial(_record, log, acks)), mountpoint)
        finally:
            os._exit(1)
    try:
        _await(mountpoint / NAME, pid)
        yield BlockLog(image, log)
        unmount(mountpoint)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(log)


def _await(file: Path, pid: int) -> None:
    deadline = time.monotonic() + _WAIT
    while not file.exists():
        ended, _ = os.waitpid(pid, os.WNOHANG)
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"the FUSE server of {file} did not come up")
        time.sleep(0.005)
