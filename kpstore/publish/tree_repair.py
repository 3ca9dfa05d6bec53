"""Mending an image tree: what others changed is copied out of it first."""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.disk.durable import Batch
from kpstore.disk.space import require
from kpstore.publish.target import Finding
from kpstore.publish.tree_layout import MODULES, TreeRendering

_DISPLACED = {"changed", "extra", "foreign"}


def set_aside(tree: Beneath, findings: Iterable[Finding], found: Path) -> None:
    """Copy what isn't as kp wrote it below `found`, by its path in the tree, durably.

    Links become text files `NAME.link`, FIFOs and devices `NAME.other`. Raises
    Refused when `found` lacks room: an image's owner may have made them huge.
    """
    with Batch() as batch:
        for each in findings:
            if each.kind in _DISPLACED:
                for path in _paths(tree, each.path):
                    _copy_out(tree, path, found, batch)
        batch.commit()


def clear(tree: Beneath, rendering: TreeRendering, findings: Iterable[Finding]) -> None:
    """Remove what nothing will replace, and what no rename can: directories."""
    replaced = {*rendering.files, *(each.path for each in rendering.objects)}
    for each in findings:
        if each.kind not in _DISPLACED or each.path.startswith(f"{MODULES}/"):
            continue
        if each.path not in replaced or _kind(tree, each.path) == stat.S_IFDIR:
            tree.remove_tree(each.path)


def _paths(tree: Beneath, path: str) -> Iterator[str]:
    """Yield the files at and below `path`; a whole module tree stays where it is."""
    kind = _kind(tree, path)
    if kind == stat.S_IFDIR and path.rpartition("/")[0] == MODULES:
        return
    if kind == stat.S_IFDIR:
        yield from (each.path for each in tree.walk(path) if each.kind != "directory")
    elif kind:
        yield path


def _copy_out(tree: Beneath, path: str, found: Path, batch: Batch) -> None:
    kind = _kind(tree, path)
    if kind == stat.S_IFREG:
        with tree.open_read(path) as file:
            require(found, os.fstat(file.fileno()).st_size, 2)
            batch.copy(found / path, Path(f"/proc/self/fd/{file.fileno()}"))
    elif kind == stat.S_IFLNK:
        batch.file(found / f"{path}.link", os.fsencode(tree.readlink(path)) + b"\n")
    elif kind:
        batch.file(found / f"{path}.other", b"not a file, link or directory\n")


def _kind(tree: Beneath, path: str) -> int:
    """Return the file type bits, 0 for nothing."""
    try:
        return stat.S_IFMT(tree.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0
