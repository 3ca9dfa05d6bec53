"""Modes and owners beneath a root that is not trusted. OSErrors leave this module raw.

Files are given theirs by writing them anew; but for one that can't be read.
"""

import os
import stat

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import closing, sync_directory_fd


def hold_directory(tree: Beneath, rel: str, mode: int, owner: int | None) -> None:
    """Give a directory its mode, and its owner unless None, durably."""
    with tree._opened(rel) as directory:
        if owner is not None:
            os.fchown(directory, owner, owner)
        os.fchmod(directory, mode)
        sync_directory_fd(directory)


def make_readable(tree: Beneath, rel: str, mode: int) -> None:
    """Give a regular file a mode, where it is one's own; nothing is followed."""
    with (
        tree._place(rel) as (directory, name),
        closing(os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=directory)) as found,
    ):
        if stat.S_ISREG(os.fstat(found).st_mode):
            os.chmod(f"/proc/self/fd/{found}", mode)
