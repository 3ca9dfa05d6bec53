"""Shelves: what a generation links, 256 at most, each with a part of its templates.

A shelf is named by its content and shared between generations: a folder of links to
menus, and a file that says which, with the objects that they need.
"""

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from kpstore.disk.descriptors import DIRECTORY, closing
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
from kpstore.targets.tftp.format.part import Part, needs_of
from kpstore.targets.tftp.generation import POLICY

Menus = Mapping[str, Part]  # by template
_UNREADABLE: Final = (
    OSError,
    RecursionError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


class Shelf(dict[str, Part]):
    """Some templates with their menus, template -> menu; never changed."""

    @cached_property
    def name(self) -> str:
        """Its name, by its content."""
        return sha256(encode(self)).hexdigest()

    @cached_property
    def needs(self) -> frozenset[str]:
        """The SHA-256s of the objects that its menus need."""
        return needs_of(self.values())


def split(menus: Menus, known: Mapping[str, Shelf]) -> dict[str, Shelf]:
    """Return the shelves of a generation's menus, by their two hex digits.

    Those that are as the `known` ones are these very ones, whose names are known.
    """
    items = menus.items()
    same = {xx: shelf for xx, shelf in known.items() if shelf.items() <= items}
    found = dict[str, Shelf]()
    for template in sorted(menus.keys() - {POLICY}.union(*same.values())):
        found.setdefault(shelf_of(template), Shelf())[template] = menus[template]
    for xx in found.keys() & same.keys():
        found[xx] = Shelf(sorted({**same[xx], **found[xx]}.items()))
    return dict(sorted({**same, **found}.items()))


def encode(shelf: Shelf) -> bytes:
    """Return the canonical JSON of a shelf's contents."""
    return canonical(
        {
            template: {"menu": menu.digest, "objects": list(menu.objects or ())}
            for template, menu in shelf.items()
        }
    )


def links(menus: Menus) -> dict[str, str]:
    """Return the links to menus from a shelf, name -> text."""
    return {name: f"../../{MENUS[3:]}/{menu.digest}" for name, menu in menus.items()}


class ShelfFile(NamedTuple):
    """Contents on the disk: one that was changed is another one, and read anew."""

    path: str
    name: str
    inode: int
    time: int  # ctime, in nanoseconds


# What was found in a folder of shelves, by their names.
_found: dict[str, dict[str, ShelfFile]] = {}


def find(layout: Layout, names: Collection[str]) -> tuple[ShelfFile, ...]:
    """Look at shelves' contents; CorruptState where there are none.

    What was found is taken for granted until `look_again`: one command asks often.
    """
    home = f"{layout.base}/{SHELVES}"
    known = _found.setdefault(home, {})
    if new := [name for name in names if name not in known]:
        known |= _looked(home, new)
    return tuple([known[name] for name in names])


def look_again(layout: Layout) -> None:
    """Forget what was found: others may have changed it."""
    _found.pop(f"{layout.base}/{SHELVES}", None)


def _looked(home: str, names: Iterable[str]) -> Iterator[tuple[str, ShelfFile]]:
    path = home
    try:
        with closing(os.open(home, DIRECTORY)) as folder:
            for name in names:
                path = f"{home}/{name}/{CONTENTS}"
                at = f"{name}/{CONTENTS}"
                seen = os.stat(at, dir_fd=folder, follow_symlinks=False)
                yield name, ShelfFile(path, name, seen.st_ino, seen.st_ctime_ns)
    except OSError as error:
        raise _damaged(path, error) from error


@lru_cache(maxsize=4096)
def read(found: ShelfFile) -> Shelf:
    """Read a shelf's contents; CorruptState where they aren't what its name says."""
    try:
        data = read_file(Path(found.path))
        if sha256(data).hexdigest() != found.name:
            raise ValueError("its name is not that of what it says")
        shelf = Shelf(
            (template, Part(menu["menu"], tuple(menu["objects"])))
            for template, menu in json.loads(data).items()
        )
        shelf.name = found.name
        return shelf
    except _UNREADABLE as error:
        raise _damaged(found.path, error) from error


def _damaged(path: str, why: Exception) -> CorruptState:
    return CorruptState(
        f"{path} is not as kp wrote it: {why}",
        hint="kp publish draws the target anew and sets aside what it finds",
    )


def amiss(layout: Layout, shelf: Shelf) -> list[str]:
    """Return the names in a shelf that are missing, or not what they should be."""
    home = layout.path(SHELVES, shelf.name)
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
