"""What the repository's reads give: entries of a tree, commits."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from kpstore.errors import CorruptState

FILE: Final = 0o100644
DIRECTORY: Final = 0o040000

_NAME: Final = re.compile(r"\.gitattributes|[A-Za-z0-9][A-Za-z0-9._+~-]{0,79}")


class Entry(NamedTuple):
    """What a name in a tree stands for."""

    mode: int
    id: str

    @property
    def is_tree(self) -> bool:
        """Tell a directory from a file."""
        return self.mode == DIRECTORY


class CommitInfo(NamedTuple):
    """A commit as it was written; `time` in seconds since 1970, UTC."""

    id: str
    tree: str
    parents: tuple[str, ...]
    author: str
    time: int
    message: bytes


class ForeignEntry(CorruptState):
    """Something that kp never writes: a link, a submodule, `..`, far too many bytes."""


def check_entry(tree: str, name: str, entry: Entry) -> None:
    """Raise ForeignEntry unless kp could have written this."""
    if not _NAME.fullmatch(name):
        raise ForeignEntry(f"tree {tree} has an entry {name!r}, which is no name")
    if entry.mode not in {FILE, DIRECTORY}:
        kind = {0o120000: "a link", 0o160000: "a submodule", 0o100755: "executable"}
        what = kind.get(entry.mode, f"of mode {entry.mode:o}")
        raise ForeignEntry(f"tree {tree}: {name} is {what}; only files are known")


def tree_bytes(entries: Mapping[str, Entry]) -> bytes:
    """Return a tree as git has it: mode, name, NUL and 20 bytes of id for each entry.

    In git's order, in which a directory's name ends with a slash.
    """
    rows = [
        (
            f"{name}/" if mode == DIRECTORY else name,
            b"%o %s\0%s" % (mode, name.encode(), bytes.fromhex(oid)),
        )
        for name, (mode, oid) in entries.items()
    ]
    return b"".join([row for _, row in sorted(rows)])
