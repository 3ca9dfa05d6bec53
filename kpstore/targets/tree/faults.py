"""What is wrong with one name in an image tree: its kind, its mode, its owner."""

import os
import stat
from typing import Final, NamedTuple

from kpstore.disk.attributes import fits, owners
from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.targets.tree.layout import (
    CLAIMS,
    FILE_MODE,
    FOLDER_MODE,
    HOME,
    IDENTITY,
    LIVE,
)
from kpstore.targets.values import Finding

ROOT: Final = 0


class Fault(NamedTuple):
    """`kind` is a finding's, or empty: nothing is wrong."""

    kind: str = ""
    detail: str = ""

    def at(self, path: str) -> list[Finding]:
        """Return it as what was found at a path."""
        return [Finding(path, *self)] if self.kind else []


NONE: Final = Fault()
MISSING: Final = Fault("missing")


def look(tree: Beneath, path: str) -> os.stat_result | None:
    """Look at the name itself; None for nothing, or below a link that leads nowhere."""
    try:
        return tree.stat(path)
    except (FileNotFoundError, NotADirectoryError, Refused):
        return None


def is_in_the_way(tree: Beneath, folder: str) -> bool:
    """Tell a name that should be a folder, or lead to one, and doesn't."""
    return look(tree, folder) is not None and not tree.is_dir(folder)


def is_roots(tree: Beneath) -> bool:
    """Tell whether what is kp's here is root's: where any of its own files is.

    Elsewhere another user publishes, or the file system has no root.
    """
    found = (look(tree, path) for path in (HOME, IDENTITY, LIVE, CLAIMS))
    return any(each is not None and each.st_uid == ROOT for each in found)


def of_file(tree: Beneath, found: os.stat_result | None, *, roots: bool) -> Fault:
    """Judge what has the place of a regular file of kp's."""
    if found is None:
        return MISSING
    if not stat.S_ISREG(found.st_mode):
        return Fault("changed", f"{_what(found.st_mode)}, not a file")
    return _held(tree, found, FILE_MODE, roots=roots)


def of_folder(tree: Beneath, found: os.stat_result | None, *, roots: bool) -> Fault:
    """Judge what has the place of a folder of kp's; a link is none."""
    if found is None:
        return MISSING
    if not stat.S_ISDIR(found.st_mode):
        return Fault("changed", f"{_what(found.st_mode)}, not a folder")
    return _held(tree, found, FOLDER_MODE, roots=roots)


def _held(tree: Beneath, found: os.stat_result, meant: int, *, roots: bool) -> Fault:
    if not fits(tree, found.st_mode, meant):
        return Fault("mode", f"{stat.S_IMODE(found.st_mode):04o}, not {meant:04o}")
    if roots and found.st_uid not in owners(tree, {ROOT}):
        return Fault("mode", f"its owner is user {found.st_uid}, not root")
    return NONE


def _what(mode: int) -> str:
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a folder",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
