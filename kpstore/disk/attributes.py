"""Mode and owner of what is there, of a name itself: a link is never followed.

By a path that is trusted, or beneath a root that is not. Files beneath one are given
theirs by writing them anew; but for one that can't be read. Not durable by itself, but
for a folder that is held. OSErrors leave this module raw. Needs /proc.
"""

import os
import stat
from collections.abc import Collection, Container, Iterator
from contextlib import contextmanager
from pathlib import Path

from kpstore.disk import sharing
from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import about, closing, sync_directory_fd

_THERE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def set_mode(path: Path, mode: int, *, also: bool = False) -> None:
    """Give a file or folder its mode, or add those bits; a link has none.

    In a shared folder the mode that things have there; what has one stays.
    """
    with _held(path) as (place, found):
        if stat.S_ISLNK(found.st_mode):
            return
        was, folder = stat.S_IMODE(found.st_mode), stat.S_ISDIR(found.st_mode)
        wanted = was | mode if also else sharing.mode_of(path, mode, folder=folder)
        stays = was == wanted if also else sharing.fits(path, found.st_mode, mode)
        if not stays or sharing.group_of(path) is None:
            os.chmod(place, wanted)


def set_owner(path: Path, owner: int) -> None:
    """Give a file or folder its owner by number; the group stays."""
    with _held(path) as (place, found):
        if not stat.S_ISLNK(found.st_mode):
            os.chown(place, owner, -1)


def fits(tree: Beneath, found: int, meant: int) -> bool:
    """Tell whether a mode beneath a root stays as it is; see `sharing.fits`."""
    return sharing.fits(tree._root, found, meant)


def owners(tree: Beneath, own: Collection[int]) -> Container[int]:
    """Return whose what is kp's beneath a root may be; see `sharing.owners`."""
    return sharing.owners(tree._root, own)


def hold_directory(tree: Beneath, rel: str, mode: int, owner: int | None) -> None:
    """Give a directory its mode, and its owner unless None, durably."""
    with tree._opened(rel) as directory:
        if owner is not None:
            os.fchown(directory, owner, owner)
        sharing.finish(directory, mode, tree._shown(rel))
        sync_directory_fd(directory)


def make_readable(tree: Beneath, rel: str, mode: int) -> None:
    """Give a regular file a mode, where it is one's own; nothing is followed."""
    with (
        tree._place(rel) as (directory, name),
        closing(os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=directory)) as found,
    ):
        if stat.S_ISREG(os.fstat(found).st_mode):
            mode = sharing.mode_of(tree._shown(rel), mode)
            os.chmod(f"/proc/self/fd/{found}", mode)


@contextmanager
def _held(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    with about(path), closing(os.open(path, _THERE)) as found:
        yield f"/proc/self/fd/{found}", os.fstat(found)
