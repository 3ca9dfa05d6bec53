"""Shelves: what a generation links, 256 at most, each with a part of its templates.

A shelf is named by its content and shared between generations: a folder of links to
menus, and a file that says which, with the objects that they need.
"""

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from kpstore.errors import CorruptState
from kpstore.targets.tftp.format.canonical import canonical
from kpstore.targets.tftp.format.layout import (
    CONTENTS,
    MENUS,
    SHELVES,
    Layout,
    shelf_of,
)
from kpstore.targets.tftp.format.links import link_text, names_in, read_file
from kpstore.targets.tftp.format.part import Part
from kpstore.targets.tftp.generation import POLICY

Shelf = Mapping[str, Part]  # template -> menu
_UNREADABLE: Final = (
    OSError,
    RecursionError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


def split(menus: Shelf) -> dict[str, dict[str, Part]]:
    """Return the shelves of a generation's menus, by their two hex digits."""
    found: dict[str, dict[str, Part]] = {}
    for template in sorted(menus):
        if template != POLICY:
            found.setdefault(shelf_of(template), {})[template] = menus[template]
    return found


def name_of(shelf: Shelf) -> str:
    """Name a shelf by its content."""
    return _name_of(tuple(shelf.items()))


@lru_cache(maxsize=4096)  # of most shelves each commit asks again
def _name_of(items: tuple[tuple[str, Part], ...]) -> str:
    return sha256(encode(dict(items))).hexdigest()


def encode(shelf: Shelf) -> bytes:
    """Return the canonical JSON of a shelf's contents."""
    return canonical(
        {
            template: {"menu": menu.digest, "objects": list(menu.objects or ())}
            for template, menu in shelf.items()
        }
    )


def links(shelf: Shelf) -> dict[str, str]:
    """Return the links of a shelf, name -> text."""
    return {name: f"../../{MENUS[3:]}/{menu.digest}" for name, menu in shelf.items()}


class ShelfFile(NamedTuple):
    """Contents on the disk: one that was changed is another one, and read anew."""

    path: str
    name: str
    inode: int
    time: int  # ctime, in nanoseconds


def find(layout: Layout, name: str) -> ShelfFile:
    """Look at a shelf's contents; CorruptState where there are none."""
    path = f"{layout.base}/{SHELVES}/{name}/{CONTENTS}"
    try:
        seen = os.lstat(path)
    except OSError as error:
        raise _damaged(path, error) from error
    return ShelfFile(path, name, seen.st_ino, seen.st_ctime_ns)


@lru_cache(maxsize=4096)
def read(found: ShelfFile) -> Shelf:
    """Read a shelf's contents; CorruptState where they aren't what its name says."""
    try:
        data = read_file(Path(found.path))
        if sha256(data).hexdigest() != found.name:
            raise ValueError("its name is not that of what it says")
        return {
            template: Part(menu["menu"], tuple(menu["objects"]))
            for template, menu in json.loads(data).items()
        }
    except _UNREADABLE as error:
        raise _damaged(found.path, error) from error


def _damaged(path: str, why: Exception) -> CorruptState:
    return CorruptState(
        f"{path} is not as kp wrote it: {why}",
        hint="kp publish draws the target anew and sets aside what it finds",
    )


def amiss(layout: Layout, name: str, shelf: Shelf) -> list[str]:
    """Return the names in a shelf that are missing, or not what they should be."""
    home = layout.path(SHELVES, name)
    there = names_in(home)
    wrong = [
        link
        for link, text in links(shelf).items()
        if link not in there or link_text(home / link) != text
    ]
    return wrong if _says(home / CONTENTS, shelf) else [*wrong, CONTENTS]


def _says(path: Path, shelf: Shelf) -> bool:
    try:
        return read_file(path) == encode(shelf)
    except (OSError, ValueError):
        return False
