"""Modes and owners of directories beneath a root that is not trusted.

Of files they are given by writing them anew. OSErrors leave this module raw.
"""

import os

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import sync_directory_fd


def hold_directory(tree: Beneath, rel: str, mode: int, owner: int | None) -> None:
    """Give a directory its mode, and its owner unless None, durably."""
    with tree._opened(rel) as directory:
        if owner is not None:
            os.fchown(directory, owner, owner)
        os.fchmod(directory, mode)
        sync_directory_fd(directory)
