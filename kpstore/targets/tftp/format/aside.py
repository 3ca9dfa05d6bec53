"""What stands in kp's way on a TFTP root: copied out of it, durably, then removed."""

import os
import stat
from pathlib import Path

from kpstore.disk.durable import (
    Batch,
    make_directories,
    remove_tree,
    replace_link,
)
from kpstore.errors import Refused
from kpstore.targets.tftp.format.layout import KP, Layout
from kpstore.targets.tftp.format.links import is_folder, kind_of


def set_aside(layout: Layout, path: str, found: Path) -> None:
    """Copy a file or folder below `found` by its path, durably; nothing is fine.

    Of a link its text is kept, in `NAME.link`; a FIFO, socket or device, which has
    nothing to copy, becomes a `NAME.other`.
    """
    with Batch() as batch:
        _add(batch, layout.path(path), found / path)
        batch.commit()


def _add(batch: Batch, source: Path, aside: Path) -> None:
    kind = kind_of(source)
    if kind == stat.S_IFLNK:
        text = os.fsencode(source.readlink()) + b"\n"
        batch.file(aside.with_name(f"{aside.name}.link"), text)
    elif kind == stat.S_IFREG:
        batch.copy(aside, source, mode=stat.S_IMODE(os.lstat(source).st_mode))
    elif kind == stat.S_IFDIR:
        make_directories(aside)
        for child in sorted(source.iterdir()):
            _add(batch, child, aside / child.name)
    elif kind:
        what = b"not a file, link or directory\n"
        batch.file(aside.with_name(f"{aside.name}.other"), what)


def displace(layout: Layout, path: str, found: Path | None) -> None:
    """Take away what is at `path`, if anything is; Refused without a `found` for it."""
    if not kind_of(layout.path(path)):
        return
    if found is None:
        raise Refused(
            f"{layout.path(path)} is in kp's way",
            hint="kp publish sets it aside and takes its place",
        )
    set_aside(layout, path, found)
    remove_tree(layout.path(path), _temps(layout, path))


def clear_folder(layout: Layout, path: str) -> None:
    """Remove a folder, which a rename can't replace; it was set aside before."""
    if is_folder(layout.path(path)):
        remove_tree(layout.path(path), _temps(layout, path))


def put_link(layout: Layout, path: str, text: str) -> None:
    """Put a link at `path`, whatever is there, not yet durably."""
    place = layout.path(path)
    try:
        replace_link(place, text)
    except IsADirectoryError:
        clear_folder(layout, path)
        replace_link(place, text)


def _temps(layout: Layout, path: str) -> Path:
    """Return where what is left of it may lie: swept, and on the same file system."""
    return layout.path(KP) if path.startswith(f"{KP}/") else layout.base
