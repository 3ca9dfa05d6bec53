"""The folders that all of a target stands on: real ones, beneath its root.

A TFTP root is not trusted: where one of them is a link, what kp writes would land
elsewhere, and a server that is confined to the root would serve nothing.
"""

import os
import stat
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Final

from kpstore.disk import sharing
from kpstore.disk.attributes import set_mode, set_owner
from kpstore.disk.durable import make_directories
from kpstore.errors import Refused
from kpstore.targets.tftp.format.aside import displace
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    IDENTITY,
    KP,
    MENUS,
    OBJECTS,
    RETIRED,
    SHARDS,
    SHELVES,
    Layout,
)
from kpstore.targets.tftp.format.links import FOLDER_MODE, kind_of
from kpstore.targets.values import Finding

_OURS: Final = (KP, GENERATIONS, SHELVES, MENUS, SHARDS, OBJECTS, RETIRED)
READABLE: Final = 0o005  # is enough of the administrator's
_WORDS: Final = {
    stat.S_IFLNK: "a link",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}


def amiss(layout: Layout) -> list[Finding]:
    """Return the folders that are something else; what isn't there is made one day."""
    if not layout.is_confined:
        out = "a link on the way to it is absolute, or leads out of the root"
        return [Finding(os.path.relpath(layout.base, layout.root), "changed", out)]
    found: list[Finding] = []
    for path in _folders(layout):
        kind = kind_of(f"{layout.base}/{path}")
        behind = any(path.startswith(f"{each.path}/") for each in found)
        if kind not in (0, stat.S_IFDIR) and not behind:
            what = _WORDS.get(kind, "a device")
            found.append(Finding(path, "changed", f"{what}, not a folder"))
    return found


def check(layout: Layout) -> None:
    """Raise Refused unless all that is there are folders."""
    for each in amiss(layout):
        if not layout.is_confined:
            hint = "make a folder of it, or a relative link that stays within the root"
            raise Refused(f"{layout.base}: {each.detail}", hint=hint)
        raise Refused(
            f"{layout.path(each.path)} is {each.detail}",
            hint="kp publish sets it aside and makes a folder in its place",
        )


def attributes(layout: Layout) -> Iterator[Finding]:
    """Report folders that nodes couldn't read, or that others might write to.

    What is below kp/ is the owner's of kp/, or root's; kp/ itself TARGET's.
    """
    for path in _OURS:
        yield from of_name(layout, path, FOLDER_MODE)
    for path in _entry_folders(layout):
        if (found := _look(layout, path)) and found.st_mode & READABLE != READABLE:
            yield of_mode(path, found.st_mode)


def of_name(layout: Layout, path: str, mode: int) -> Iterator[Finding]:
    """Compare mode and owner of a file or folder of kp's, if it is there."""
    found = _look(layout, path)
    if found is None or stat.S_ISLNK(found.st_mode):
        return
    if not sharing.fits(layout.path(path), found.st_mode, mode):
        yield of_mode(path, found.st_mode)
    elif found.st_uid not in owners(layout, path):
        yield Finding(path, "owner", f"user {found.st_uid}'s")


def owners(layout: Layout, path: str) -> Container[int]:
    """Return the users that what kp wrote at `path` may be of: root, and who else."""
    return sharing.owners(layout.path(path), {0, _giver(layout, path)})


def _giver(layout: Layout, path: str) -> int:
    """Return whose what lies at `path` is by right, be it root's or not.

    Without a TARGET nobody says whose kp/ should be: then it is whose it is.
    """
    giver = _look(layout, IDENTITY if path == KP else KP) or _look(layout, KP)
    return giver.st_uid if giver else 0


def of_mode(path: str, mode: int) -> Finding:
    """Report a mode."""
    return Finding(path, "mode", f"{stat.S_IMODE(mode):04o}")


def mend_attributes(layout: Layout, finding: Finding, mode: int) -> None:
    """Give a name the mode it should have, or the owner; PermissionError of others'."""
    path = layout.path(finding.path)
    if finding.kind == "owner":
        set_owner(path, _giver(layout, finding.path))
    elif finding.path.startswith(f"{KP}/") or finding.path == KP:
        set_mode(path, mode)
    else:
        set_mode(path, mode, also=True)


def clear(layout: Layout, found: Path) -> None:
    """Put real folders in the places of what is none, which goes to `found`.

    Those that lost their mode or owner get it back.
    """
    for finding in amiss(layout) if layout.is_confined else ():
        displace(layout, finding.path, found)
        if finding.path != RETIRED:  # which is made with all that belongs there
            make_directories(layout.path(finding.path), temps=layout.base)
    for finding in attributes(layout):
        mend_attributes(layout, finding, FOLDER_MODE)


def folders(layout: Layout) -> tuple[tuple[Path, bool], ...]:
    """Name those that kp writes to, and whether all in each is kp's."""
    if not layout.is_confined:
        return ()
    entries = (path for path in _entry_folders(layout) if path != KP)
    return (layout.path(KP), True), *((layout.path(path), False) for path in entries)


def _folders(layout: Layout) -> Iterator[str]:
    """Name them, each after the one that it lies in."""
    yield from _OURS
    for path in _entry_folders(layout):
        parts = path.split("/")
        yield from ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _entry_folders(layout: Layout) -> Iterator[str]:
    return (names.folder for names in layout.entries)


def _look(layout: Layout, path: str) -> os.stat_result | None:
    try:
        return os.lstat(layout.path(path))
    except (FileNotFoundError, NotADirectoryError):
        return None
