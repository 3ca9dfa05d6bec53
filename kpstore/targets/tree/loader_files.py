"""What kp puts at a loader's path: a file, or one variable of GRUB's block.

`boot/grub2/grubenv#saved_entry` is a variable: kp looks at it, sets it and gives it
back, and nothing else in that block, which may be a link beneath the tree, is its.
"""

import posixpath
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, Refused
from kpstore.formats import grubenv
from kpstore.targets.tree import faults, layout
from kpstore.targets.tree.faults import Fault
from kpstore.targets.tree.layout import FILE_MODE, MISSING, SeenPlace

_LIMIT: Final = 1 << 16  # bytes of a block
_LINKS: Final = 8  # that lead to one


def is_variable(path: str) -> bool:
    """Tell a variable's path from a file's."""
    return "#" in path


def file_of(tree: Beneath, path: str) -> str:
    """Return the file that is written for a path: where a variable's block lies."""
    block, _, name = path.partition("#")
    for _ in range(_LINKS if name else 0):
        found = faults.look(tree, block)
        if found is None or not stat.S_ISLNK(found.st_mode):
            break
        beside = posixpath.join("/", layout.parent(block), tree.readlink(block))
        block = posixpath.normpath(beside).lstrip("/")
    return block


def look(tree: Beneath, path: str) -> SeenPlace:
    """Read what is at a path; a variable that has no value is missing."""
    if not is_variable(path):
        return layout.look(tree, path)
    try:
        block = _block(tree, path)
        value = grubenv.value_of(block, path.partition("#")[2]) if block else None
    except (InvalidInput, Refused):
        return MISSING
    return SeenPlace("file", value, FILE_MODE) if value else MISSING


def fault_of(tree: Beneath, path: str, *, roots: bool) -> Fault:
    """Judge what has the place of kp's; the block of a variable is not kp's."""
    if is_variable(path):
        return faults.MISSING if look(tree, path) == MISSING else faults.NONE
    return faults.of_file(tree, faults.look(tree, path), roots=roots)


def check_room(tree: Beneath, files: Mapping[str, bytes]) -> None:
    """Refuse variables that can't be written: their block is none, or is full."""
    for path in filter(is_variable, files):
        block, file = path.partition("#")[0], file_of(tree, path)
        found = faults.look(tree, file)
        if not stat.S_ISREG(found.st_mode) if found else file != block:
            raise Refused(
                f"{block} in the image leads to no regular file",
                hint="grub-editenv FILE create makes an empty block",
            )
        _changed(tree, path, files[path])


def put(tree: Beneath, path: str, data: bytes) -> None:
    """Put a file there, or give a variable its value, by one rename; durably."""
    file = file_of(tree, path)
    tree.makedirs(layout.parent(file))
    tree.write(file, _changed(tree, path, data), mode=_mode(tree, path, file))


def take(tree: Beneath, path: str) -> None:
    """Remove a file, or a variable."""
    if not is_variable(path):
        tree.remove(path)
    elif _block(tree, path) is not None:
        file = file_of(tree, path)
        tree.write(file, _changed(tree, path, None), mode=_mode(tree, path, file))


def take_if_empty(tree: Beneath, path: str) -> None:
    """Remove a block of variables that is there and holds none."""
    found = layout.look(tree, path)
    with suppress(InvalidInput):  # somebody's file by now
        if found.kind == "file" and grubenv.is_empty(found.data):
            tree.remove(path)


def blocks(paths: Iterable[str]) -> set[str]:
    """Return the blocks that variables among the paths lie in."""
    return {path.partition("#")[0] for path in paths if is_variable(path)}


def _block(tree: Beneath, path: str) -> bytes | None:
    try:
        return tree.read(file_of(tree, path), _LIMIT)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _changed(tree: Beneath, path: str, data: bytes | None) -> bytes:
    """Return what the file is to hold."""
    block, _, name = path.partition("#")
    if not name:
        return data or b""
    try:
        return grubenv.with_value(_block(tree, path), name, data)
    except InvalidInput as error:
        said = f"{block} in the image: {error.message}"
        raise Refused(said, hint=error.hint) from None


def _mode(tree: Beneath, path: str, file: str) -> int:
    """Return the mode of a file of kp's, or the one that a block has."""
    found = faults.look(tree, file) if is_variable(path) else None
    return stat.S_IMODE(found.st_mode) if found else FILE_MODE
