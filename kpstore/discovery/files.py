"""Looking for small text files in a tree that is not trusted."""

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused

_LIMIT: Final = 1 << 20  # bytes of one file
_MOST: Final = 1000  # files of one folder


def read_text(tree: Beneath, path: str) -> str | None:
    """Read a configuration file; None without one, or where it is no such thing."""
    try:
        return tree.read(path, _LIMIT).decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError, Refused):
        return None


def names(tree: Beneath, directory: str, pattern: str = "*") -> list[str]:
    """List the names in a directory that match; none where it is no directory."""
    try:
        return fnmatch.filter(tree.names(directory), pattern)
    except (FileNotFoundError, NotADirectoryError, Refused):
        return []


def read_matching(tree: Beneath, patterns: Iterable[str]) -> dict[str, str]:
    """Read the files that the patterns name, by path, in the patterns' order.

    A `*` stands within one part of a path.
    """
    paths = dict.fromkeys(path for each in patterns for path in _found(tree, each))
    texts = ((path, read_text(tree, path)) for path in paths)
    return {path: text for path, text in texts if text is not None}


def _found(tree: Beneath, pattern: str) -> Iterator[str]:
    parent, _, name = pattern.rpartition("/")
    for folder in _found(tree, parent) if "*" in parent else [parent]:
        found = names(tree, folder, name)[:_MOST] if "*" in name else [name]
        yield from (f"{folder}/{each}" for each in found)
