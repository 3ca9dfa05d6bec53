"""Whole directory trees by descriptor: no link is ever followed.

Both refuse directories nested deeper than any real tree's: an image's owner may
nest them endlessly. OSErrors leave this module raw.
"""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from kpstore.disk.descriptors import DIRECTORY, closing
from kpstore.errors import Refused

MAX_DEPTH = 128


class Found(NamedTuple):
    """One name met by a walk."""

    path: str  # relative to where the walk was asked for
    kind: str  # file, directory, link or other (FIFO, device, socket)
    size: int  # bytes


def walk_at(directory: int, prefix: str = "", depth: int = 0) -> Iterator[Found]:
    """Name all that is below an open directory, parents first, sorted."""
    if depth > MAX_DEPTH:
        raise Refused(f"{prefix}: more than {MAX_DEPTH} directories below each other")
    for name in sorted(os.listdir(directory)):
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        yield Found(f"{prefix}{name}", _kind(found.st_mode), found.st_size)
        if stat.S_ISDIR(found.st_mode):
            inside = os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
            with closing(inside):
                yield from walk_at(inside, f"{prefix}{name}/", depth + 1)


def _kind(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def remove_tree_at(name: str, directory: int | None = None, depth: int = 0) -> None:
    """Remove a file, a link or a whole directory; no link is ever followed."""
    if depth > MAX_DEPTH:
        raise Refused(f"{name}: more than {MAX_DEPTH} directories below each other")
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    with closing(os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)) as inside:
        for child in os.listdir(inside):
            remove_tree_at(child, inside, depth + 1)
    os.rmdir(name, dir_fd=directory)
