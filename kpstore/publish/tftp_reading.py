"""Links and directories as they are found; what isn't there is a value, no error."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.ENOENT, errno.ENODEV}  # links, sockets


def link_text(path: str | Path, directory: int | None = None) -> str | None:
    """Return a link's text, None if nothing is there, '' if it is no link."""
    try:
        return os.readlink(path, dir_fd=directory)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return ""


def links_in(folder: Path) -> Iterator[tuple[str, str]]:
    """Return the name and text of all in a directory; '' for what is no link."""
    with _opened(folder) as directory:
        for name in _listing(directory):
            yield name, link_text(name, directory) or ""


def files_in(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    """Return the name, permissions and bytes of all in a directory.

    What is no regular file has permissions 0; it is never waited for.
    """
    with _opened(folder) as directory:
        for name in _listing(directory):
            yield name, *_read(name, directory)


def names_in(folder: Path) -> set[str]:
    """Return the names in a directory, none if it isn't there."""
    with _opened(folder) as directory:
        return set(_listing(directory))


def _read(name: str, directory: int | None) -> tuple[int, bytes]:
    try:
        file = os.open(name, _READ, dir_fd=directory)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return 0, b""
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return 0, b""
        return stat.S_IMODE(found.st_mode), os.read(file, found.st_size)
    finally:
        os.close(file)


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    try:
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield directory
    finally:
        os.close(directory)


def _listing(directory: int | None) -> list[str]:
    return [] if directory is None else os.listdir(directory)  # noqa: PTH208
