"""Many symbolic links in one directory, by its descriptor.

OSErrors leave this module raw, naming the path that was asked for.
"""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from kpstore.disk.descriptors import DIRECTORY, about, closing


def make_links(
    directory: Path, links: Iterable[tuple[str, str]], like: Path | None = None
) -> None:
    """Make new links (name, text) straight, not yet durably: sync the directory.

    One symlink(2) each, for a name that nobody uses yet may appear at any time;
    a link that has its text already is passed over. Raises FileExistsError.

    What `like`, a directory of the same file system, has just so gets another name:
    half the time, no inode, and no block for a text of 60 bytes and more.
    """
    with about(directory), closing(os.open(directory, DIRECTORY)) as folder:
        if like is not None:
            links = _without_shared(folder, links, like)
        for name, text in links:
            try:
                os.symlink(text, name, dir_fd=folder)
            except FileExistsError:
                _check_same(folder, directory, name, text)


def _without_shared(
    folder: int, links: Iterable[tuple[str, str]], like: Path
) -> list[tuple[str, str]]:
    """Share what can be; return the rest: too many names, another user's links."""
    rest = []
    with closing(os.open(like, DIRECTORY)) as known:
        for name, text in links:
            try:
                if os.readlink(name, dir_fd=known) == text:
                    os.link(
                        name,
                        name,
                        src_dir_fd=known,
                        dst_dir_fd=folder,
                        follow_symlinks=False,
                    )
                    continue
            except OSError:  # what keeps the link itself from being made says so then
                pass
            rest.append((name, text))
    return rest


def _check_same(folder: int, directory: Path, name: str, text: str) -> None:
    try:
        same = os.readlink(name, dir_fd=folder) == text
    except OSError:  # not a link
        same = False
    if not same:
        taken = os.strerror(errno.EEXIST)
        raise FileExistsError(errno.EEXIST, taken, os.fspath(directory / name))
