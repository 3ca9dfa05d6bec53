"""Links and directories as they are found; what isn't there is a value, no error."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
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


def other_links(
    folder: Path, want: Mapping[str, str]
) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Compare the links of a directory with their texts, by name.

    Return what of `want` has another text (None: it isn't there; '': it is no link),
    and the text of what else is there.
    """
    readlink = os.readlink
    differing: dict[str, str | None] = {}
    with _opened(folder) as directory:
        if directory is None:
            return dict.fromkeys(want), {}
        for name, text in want.items():  # of 100,000 nothing is kept that is right
            try:
                if readlink(name, dir_fd=directory) == text:
                    continue
            except OSError:  # `link_text` tells them apart
                pass
            differing[name] = link_text(name, directory)
        more = set(_listing(directory)).difference(want)
        return differing, {name: link_text(name, directory) for name in more}


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
