"""What a reader of foreign files may see of the tree that they lie in."""

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

LIMIT: Final = 1 << 20
"""Bytes of the longest configuration file that is read."""
MOST: Final = 1000
"""Names of one folder that are looked at."""


class Tree(Protocol):
    """A tree of files, looked at beneath its root; who has one inherits from this.

    Paths start at the root, with or without a slash. Links are followed beneath it.
    What is not there, or is no such thing, is None, False or empty: nothing raises.
    """

    def size(self, path: str) -> int | None:
        """Return the bytes of a regular file."""

    def data(self, path: str, at: int = 0, most: int = LIMIT) -> bytes | None:
        """Read at most so many bytes of a regular file, from `at` on."""

    def is_dir(self, path: str) -> bool:
        """Tell whether there is such a folder."""

    def names(self, folder: str) -> list[str]:
        """List a folder, sorted; at most `MOST` names."""

    def is_file(self, path: str) -> bool:
        """Tell whether there is such a regular file."""
        return self.size(path) is not None

    def text(self, path: str) -> str | None:
        """Read a configuration file; None also where it is longer than `LIMIT`."""
        data = self.data(path, 0, LIMIT + 1)
        if data is None or len(data) > LIMIT:
            return None
        return data.decode("utf-8", "replace")

    def matching(self, pattern: str) -> Iterator[str]:
        """Yield the paths that a pattern may mean; a `*` stands within one part.

        Only what a `*` stands for was looked up.
        """
        folder, _, name = pattern.rpartition("/")
        for parent in self.matching(folder) if "*" in folder else [folder]:
            among = "*" in name
            found = fnmatch.filter(self.names(parent), name) if among else [name]
            yield from (f"{parent}/{each}" for each in found)


def on_fat(tree: Tree, folder: str, pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern means in a folder, whatever their letters' case.

    A `*` stands within one part; FAT knows no case, and firmware neither.
    """
    first, _, rest = pattern.partition("/")
    for name in tree.names(folder):
        if fnmatch.fnmatchcase(name.lower(), first.lower()):
            path = f"{folder}/{name}"
            yield from on_fat(tree, path, rest) if rest else (path,)


class Laid(Tree):
    """A tree with a few files laid over it."""

    def __init__(self, tree: Tree, files: Mapping[str, bytes]) -> None:
        self._tree = tree
        self._files = files

    def size(self, path: str) -> int | None:
        """Return the bytes of a regular file."""
        data = self._files.get(path.strip("/"))
        return self._tree.size(path) if data is None else len(data)

    def data(self, path: str, at: int = 0, most: int = LIMIT) -> bytes | None:
        """Read a part of a regular file."""
        data = self._files.get(path.strip("/"))
        return self._tree.data(path, at, most) if data is None else data[at : at + most]

    def is_dir(self, path: str) -> bool:
        """Tell whether there is such a folder."""
        return bool(self._laid_in(path)) or self._tree.is_dir(path)

    def names(self, folder: str) -> list[str]:
        """List a folder, sorted."""
        return sorted({*self._tree.names(folder), *self._laid_in(folder)})

    def _laid_in(self, folder: str) -> set[str]:
        start = f"{folder.strip('/')}/"
        below = (p[len(start) :] for p in self._files if p.startswith(start))
        return {rest.partition("/")[0] for rest in below}
