"""Many symbolic links in one directory, by its descriptor.

OSErrors leave this module raw, naming the path that was asked for.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from kpstore.disk.descriptors import DIRECTORY, about, closing


def make_links(directory: Path, links: Iterable[tuple[str, str]]) -> None:
    """Make new links (name, text) straight, not yet durably: sync the directory.

    One symlink(2) each, for a name that nobody uses yet may appear at any time;
    a link that has its text already is passed over. Raises FileExistsError.
    """
    with about(directory), closing(os.open(directory, DIRECTORY)) as folder:
        for name, text in links:
            try:
                os.symlink(text, name, dir_fd=folder)
            except FileExistsError:
                _check_same(folder, directory, name, text)


def _check_same(folder: int, directory: Path, name: str, text: str) -> None:
    try:
        same = os.readlink(name, dir_fd=folder) == text
    except OSError:  # not a link
        same = False
    if not same:
        taken = os.strerror(errno.EEXIST)
        raise FileExistsError(errno.EEXIST, taken, os.fspath(directory / name))
