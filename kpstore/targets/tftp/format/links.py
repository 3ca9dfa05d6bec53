"""Links and directories as they are found; what isn't there is a value, no error."""

import errno
import os
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple

FOLDER_MODE: Final = 0o755
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NO_FILE = {  # a link, a socket, or nothing that this process may read
    errno.ELOOP,
    errno.ENXIO,
    errno.ENOENT,
    errno.ENODEV,
    errno.EACCES,
}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FOLDER = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES}
_MAX_LINKS = 40  # as the kernel
_LONGEST = 1 << 28  # bytes; no file that kp reads whole has as many


def kind_of(path: str | Path) -> int:
    """Return the file type bits of a name itself, 0 if nothing is there."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def is_folder(path: str | Path) -> bool:
    """Tell a real directory, no link to one."""
    return kind_of(path) == stat.S_IFDIR


def is_open_folder(path: str | Path) -> bool:
    """Tell a real directory that everybody may look into, as kp makes them."""
    return is_folder(path) and os.lstat(path).st_mode & FOLDER_MODE == FOLDER_MODE


def read_file(path: Path) -> bytes:
    """Read a small file, never waiting for what is none.

    OSErrors pass raw; ValueError when it is no regular file, or far too long.
    """
    with _regular(path) as file:
        if os.fstat(file.fileno()).st_size > _LONGEST:
            raise ValueError("it is far longer than kp writes it")
        return file.read()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, '' if it is no regular file."""
    try:
        with _regular(path) as file:
            return file_digest(file, "sha256").hexdigest()
    except ValueError:
        return ""


def _regular(path: Path) -> BufferedReader:
    if not stat.S_ISREG(os.lstat(path).st_mode):  # so that no device is opened
        raise ValueError("it is not a regular file")
    file = os.fdopen(os.open(path, _READ), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is not a regular file")
    return file


def confined(root: Path, below: str) -> Path | None:
    """Return where a path below a root leads, by links that stay within it.

    None where a server that is confined to the root would find nothing, or something
    else: links on the way are absolute, or lead out, or in a circle; and where the
    disk doesn't say. What isn't there yet is where it will be.
    """
    here, todo, links = root, below.split("/")[::-1], 0
    while todo:
        part = todo.pop()
        place = here.parent if part == ".." else here / part
        if not place.is_relative_to(root):
            return None
        try:
            text = link_text(place) if part != ".." else ""
        except OSError:
            return None
        if text:
            links += 1
            if text.startswith("/") or links > _MAX_LINKS:
                return None
            todo += [each for each in text.split("/") if each not in ("", ".")][::-1]
        else:
            here = place
    return here


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


class SeenFile(NamedTuple):
    """A file as it is found; what is no regular one, or unreadable, has no mode."""

    data: bytes
    mode: int | None = None
    owner: int = 0


def files_in(folder: Path) -> Iterator[tuple[str, SeenFile]]:
    """Return all that is in a directory, by name; nothing is waited for."""
    with _opened(folder) as directory:
        for name in _listing(directory):
            yield name, _read(name, directory)


def names_in(folder: Path) -> set[str]:
    """Return the names in a directory, none if it isn't there or is a link."""
    with _opened(folder) as directory:
        return set(_listing(directory))


def folders_in(folder: Path) -> set[str]:
    """Return the names of the folders in a directory, none if it isn't there."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.is_dir()}
    return set()


def changed_since(
    folder: Path,
    homes: Iterable[str],
    times: Mapping[str, int],
    files: Collection[str] | None = None,
) -> set[str]:
    """Return the folders in a folder in which something changed, or is gone.

    At a time (in nanoseconds) or later, by their own ctimes and those of `files` in
    them; None: of all that is in them. `times` by their names' first letter: others
    are passed over.
    """
    homes = [home for home in homes if home[:1] in times]
    found, stat = set[str](), os.stat
    with _opened(folder) as directory:
        if directory is None:
            return {*homes}
        for home in homes:
            try:
                inner = _names(home, directory) if files is None else files
                for name in (home, *[f"{home}/{each}" for each in inner]):
                    seen = stat(name, dir_fd=directory, follow_symlinks=False)
                    if seen.st_ctime_ns >= times[home[0]]:
                        found.add(home)
                        break
            except (FileNotFoundError, NotADirectoryError):
                found.add(home)
    return found


def _names(folder: str, directory: int) -> list[str]:
    with _opened(folder, directory) as opened:
        return _listing(opened)


def _read(name: str, directory: int | None) -> SeenFile:
    try:
        file = os.open(name, _READ, dir_fd=directory)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return SeenFile(b"")
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            return SeenFile(b"")
        data = os.read(file, found.st_size)
        return SeenFile(data, stat.S_IMODE(found.st_mode), found.st_uid)
    finally:
        os.close(file)


@contextmanager
def _opened(folder: Path | str, below: int | None = None) -> Iterator[int | None]:
    try:
        directory = os.open(folder, _FOLDER, dir_fd=below)
    except OSError as error:
        if error.errno not in _NO_FOLDER:
            raise
        yield None
        return
    try:
        yield directory
    finally:
        os.close(directory)


def _listing(directory: int | None) -> list[str]:
    return [] if directory is None else os.listdir(directory)  # noqa: PTH208
