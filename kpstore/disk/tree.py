"""Whole directory trees by descriptor: no link is ever followed.

An image's owner may nest directories endlessly: a walk refuses that, and removing is
bounded. OSErrors leave this module raw.
"""

import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from kpstore.disk.descriptors import DIRECTORY, closing, temp_name
from kpstore.errors import Refused

MAX_DEPTH = 128
_LIFTS = 1000  # times that what lies too deep is moved up


class Found(NamedTuple):
    """One name met by a walk."""

    path: str  # relative to where the walk was asked for
    kind: str  # file, directory, link or other (FIFO, device, socket)
    size: int  # bytes


def walk_at(directory: int, prefix: str = "", depth: int = 0) -> Iterator[Found]:
    """Name all that is below an open directory, parents first, sorted."""
    if depth > MAX_DEPTH:
        raise Refused(
            f"{prefix}: more than {MAX_DEPTH} directories below each other",
            hint="look at what made them; nothing that kp takes lies so deep",
        )
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


def remove_tree_at(name: str, directory: int | None = None) -> None:
    """Remove a file, a link or a whole directory; no link is ever followed.

    What is nested beyond reason is moved up first, and goes like the rest. OSError
    when somebody goes on nesting.
    """
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    try:
        opened = os.open(name, DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
    except PermissionError:
        # Another user's, whom a kill kept from letting anybody in: then it is empty.
        os.rmdir(name, dir_fd=directory)
        return
    with closing(opened) as top:
        for _ in range(_LIFTS):
            children = os.listdir(top)
            if not children:
                break
            for child in children:
                _remove(child, top, top, 1)
    os.rmdir(name, dir_fd=directory)


def _remove(name: str, directory: int, top: int, depth: int) -> None:
    found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=directory)
    elif depth > MAX_DEPTH:
        os.rename(name, temp_name(), src_dir_fd=directory, dst_dir_fd=top)
    else:
        flags = DIRECTORY | os.O_NOFOLLOW
        with closing(os.open(name, flags, dir_fd=directory)) as inside:
            for child in os.listdir(inside):
                _remove(child, inside, top, depth + 1)
        os.rmdir(name, dir_fd=directory)
