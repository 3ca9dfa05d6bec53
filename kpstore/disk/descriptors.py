"""What `durable` and `beneath` share: files by descriptor, temps.

OSErrors leave this module raw.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from kpstore.disk import sharing
from kpstore.disk.processes import GONE, HIDDEN, started
from kpstore.errors import Refused

TEMP_PREFIX = ".kp-tmp-"

_CHUNK = 1 << 20
_FICLONE = 0x40049409  # linux/fs.h
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_UNSUPPORTED = {  # by these a file system says that it can't copy so
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOTTY,
    errno.EOPNOTSUPP,
    errno.EPERM,
}


@contextmanager
def about(path: Path | str) -> Iterator[None]:
    """Let an OSError name the file that the caller meant, not a temp or nothing."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    """Close `descriptor` at the end of the block."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def part_of(source: int, offset: int, length: int) -> BinaryIO:
    """Copy a part of an open file, of so many bytes, into one without a name."""
    part = os.fdopen(os.memfd_create("part"), "w+b")
    for at in range(offset, offset + length, _CHUNK):
        part.write(os.pread(source, min(_CHUNK, offset + length - at), at))
    part.seek(0)
    return part


_started = lru_cache(maxsize=1)(started)  # our own, asked for every temp


def temp_name() -> str:
    """Name a temp so that its maker can be told alive or dead."""
    process = os.getpid()
    return f"{TEMP_PREFIX}{process}.{_started(process)}-{os.urandom(8).hex()}"


def is_stale(name: str) -> bool:
    """Tell a temp whose maker is gone.

    Imports write temps without the site's lock, so a temp may be a living
    process's; only the maker's pid with the same start time says that.
    """
    if not name.startswith(TEMP_PREFIX):
        return False
    pid, _, start = name.removeprefix(TEMP_PREFIX).partition("-")[0].partition(".")
    if not pid.isdecimal():
        return True
    found = started(int(pid))
    return found == GONE or found not in (start, HIDDEN)


def create(name: str, directory: int | None = None) -> int:
    """Open a new file to write and read back; fails if anything has that name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, 0o600, dir_fd=directory)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte; the kernel may take fewer at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def reopen_file(found: int, name: Path | str) -> int:
    """Open for reading what an O_PATH descriptor leads to, if it is a regular file.

    Opening a FIFO may wait for ever and a device may act on it, so anything else
    is Refused unopened. Needs /proc.
    """
    if not stat.S_ISREG(os.fstat(found).st_mode):
        raise Refused(f"{name} is not a regular file", hint="give the file itself")
    return os.open(f"/proc/self/fd/{found}", os.O_RDONLY | os.O_CLOEXEC)


@contextmanager
def opened_source(source: Path) -> Iterator[int]:
    """Open a regular file to copy from; anything else is Refused."""
    with about(source), closing(os.open(source, os.O_PATH | os.O_CLOEXEC)) as found:
        descriptor = reopen_file(found, source)
    with closing(descriptor):
        yield descriptor


def copy_all(source: int, target: int) -> None:
    """Reflink; where that can't be, copy in the kernel; and stream what remains."""
    if clone(source, target):
        return
    _copy_in_kernel(source, target)
    while chunk := os.read(source, _CHUNK):
        write_all(target, chunk)


def clone(source: int, target: int) -> bool:
    """Let `target` share the blocks of `source` (FICLONE), if that can be."""
    """Let `target` share the blocks of `source`; False where that can't be."""
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return True


def _copy_in_kernel(source: int, target: int) -> None:
    """Copy as far as the kernel does; both file positions say how far that was."""
    try:
        while os.copy_file_range(source, target, _CHUNK * 64):
            pass
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def sync_directory_fd(directory: int) -> None:
    """Make the names in a directory durable.

    EINVAL is passed over: a file system that says so keeps no directory entries
    that could be flushed (some network file systems).
    """
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def _set_mode(name: str, mode: int, directory: int | None, place: str) -> None:
    """Give a new directory what the umask took; durably, for its mode is its own."""
    with closing(os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)) as made:
        was = stat.S_IMODE(os.fstat(made).st_mode)
        if was != mode or sharing.group_of(place) is not None:
            sharing.finish(made, mode, place)
            sync_directory_fd(made)


def make_directory(
    name: str,
    mode: int,
    directory: int | None = None,
    *,
    place: str = "",
    temps: str | None = None,
) -> None:
    """Make one directory that has `mode` from its first instant, whatever the umask.

    Its temp is made beside it, or in the directory `temps`. An existing directory
    that isn't empty wins. `place`: the path, where `name` is not. Not yet durable.
    """
    beside = "" if directory is not None else os.path.dirname(name)
    temp = os.path.join(beside if temps is None else temps, temp_name())
    os.mkdir(temp, mode, dir_fd=directory)
    try:
        _set_mode(temp, mode, directory, place or name)
        os.rename(temp, name, src_dir_fd=directory, dst_dir_fd=directory)
    except OSError as error:
        with suppress(OSError):
            os.rmdir(temp, dir_fd=directory)
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise
