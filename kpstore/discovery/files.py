"""Looking for small files in a tree that is not trusted."""

import errno
import fnmatch
import os
import posixpath
from collections.abc import Callable
from typing import TypeVar

from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.loaders.tree import LIMIT, MOST, Tree

_T = TypeVar("_T")


def names(tree: Beneath, directory: str, pattern: str = "*") -> list[str]:
    """List the names in a directory that match; none where it is no directory."""
    try:
        return fnmatch.filter(tree.names(directory), pattern)
    except (FileNotFoundError, NotADirectoryError, Refused):
        return []


def same_bytes(tree: Beneath, one: str, other: str) -> bool:
    """Tell whether two regular files hold the same."""
    with tree.open_read(one) as first, tree.open_read(other) as second:
        sizes = [os.fstat(file.fileno()).st_size for file in (first, second)]
        while sizes[0] == sizes[1] and (data := first.read(LIMIT)):
            if data != second.read(LIMIT):
                return False
    return sizes[0] == sizes[1]


class SeenTree(Tree):
    """An image tree as readers of loaders' files see it.

    `..` stops at its root; FIFOs and devices are not opened.
    """

    def __init__(self, tree: Beneath) -> None:
        self._tree = tree

    def size(self, path: str) -> int | None:
        """Return the bytes of a regular file."""
        return _looked(self._size, path, None)

    def data(self, path: str, at: int = 0, most: int = LIMIT) -> bytes | None:
        """Read a part of a regular file."""
        return _looked(lambda found: self._part(found, at, most), path, None)

    def is_file(self, path: str) -> bool:
        """Tell whether it leads to a regular file, without opening it."""
        return _looked(self._tree.is_file, path, False)

    def is_dir(self, path: str) -> bool:
        """Tell whether it leads to a directory."""
        return _looked(self._tree.is_dir, path, False)

    def names(self, folder: str) -> list[str]:
        """List a directory, sorted; none where it is no directory."""
        return _looked(self._tree.names, folder, list[str]())[:MOST]

    def _size(self, path: str) -> int | None:
        with self._tree.open_read(path) as file:
            return os.fstat(file.fileno()).st_size

    def _part(self, path: str, at: int, most: int) -> bytes | None:
        with self._tree.open_read(path) as file:
            file.seek(at)
            return file.read(most)


def _looked(look: Callable[[str], _T], path: str, absent: _T) -> _T:
    try:
        return look(posixpath.normpath(f"/{path}").lstrip("/"))
    except (FileNotFoundError, NotADirectoryError, Refused):
        return absent
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        return absent
