"""Mending an image tree: what others changed is copied out of it first."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from kpstore.disk.attributes import hold_directory, make_readable
from kpstore.disk.beneath import Beneath
from kpstore.disk.durable import Batch
from kpstore.disk.newtree import NewTree
from kpstore.disk.space import require
from kpstore.errors import Refused
from kpstore.targets.tree import faults
from kpstore.targets.tree import objects as tree_objects
from kpstore.targets.tree.layout import (
    CLAIMS,
    FILE_MODE,
    FOLDER_MODE,
    HOME,
    IDENTITY,
    LIVE,
    MODULES,
    OBJECT,
    TreeRendering,
    folders,
    parent,
)
from kpstore.targets.tree.loader_files import is_variable, look, take
from kpstore.targets.values import Finding

_CHUNK: Final = 1 << 20
_DISPLACED = {"changed", "extra", "foreign"}


def set_aside(tree: Beneath, findings: Iterable[Finding], found: Path) -> None:
    """Copy what isn't as kp wrote it below `found`, by its path in the tree, durably.

    Links become text files `NAME.link`, FIFOs and devices `NAME.other`. Raises
    Refused when `found` lacks room: an image's owner may have made them huge.
    """
    with Batch() as batch:
        for each in findings:
            if is_variable(each.path):
                batch.file(found / each.path, look(tree, each.path).data)
            elif each.kind in _DISPLACED:
                for path in _paths(tree, each.path):
                    _copy_out(tree, path, found, batch)
        batch.commit()


def clear(tree: Beneath, rendering: TreeRendering, findings: Iterable[Finding]) -> None:
    """Remove what nothing will replace, and what no rename can: directories."""
    objects = (each.path for each in rendering.objects)
    replaced = {IDENTITY, LIVE, CLAIMS, *rendering.files, *objects}
    for each in findings:
        if each.kind not in _DISPLACED or each.path.startswith(f"{MODULES}/"):
            continue
        if each.path == HOME:
            _rehouse(tree)
        elif is_variable(each.path):
            if each.path not in replaced:
                take(tree, each.path)
        elif each.path not in replaced or _kind(tree, each.path) == stat.S_IFDIR:
            tree.remove_tree(each.path)


def hold(tree: Beneath, findings: Iterable[Finding]) -> None:
    """Give modes and owners back to folders, and to files that hold what they should.

    Objects and module trees are placed anew.
    """
    owner = faults.ROOT if faults.is_roots(tree) else None
    for each in findings:
        if each.kind != "mode" or each.path.startswith(f"{MODULES}/"):
            continue
        if _kind(tree, each.path) == stat.S_IFDIR:
            hold_directory(tree, each.path, FOLDER_MODE, owner)
        elif not OBJECT.fullmatch(each.path):
            with _opened(tree, each.path) as file:
                tree.write(each.path, file.read(), mode=FILE_MODE)


def obstacles(
    tree: Beneath,
    rendering: TreeRendering | None = None,
    originals: Iterable[str] = (),
) -> list[str]:
    """Return what has a place that kp needs and gives way to no rename.

    `originals`: the paths of those that come back.
    That is something else than a folder where one must be, and a folder where a file
    must be. A link in place of a folder of kp's own is such, too.
    """
    objects = [each.path for each in rendering.objects] if rendering else []
    loaders = [*(rendering.files if rendering else ()), *originals]
    own = sorted({HOME, *map(parent, objects)})
    lies = [path for path in own if _kind(tree, path) not in {0, stat.S_IFDIR}]
    on_the_way = folders(loaders)
    lies += [path for path in on_the_way if faults.is_in_the_way(tree, path)]
    files = (IDENTITY, LIVE, CLAIMS, *objects, *loaders)
    return lies + [path for path in files if _kind(tree, path) == stat.S_IFDIR]


def make_way(tree: Beneath, lies: list[str], found: Path | None) -> list[str]:
    """Copy obstacles below `found`, durably, and remove them; return them.

    Refused without a place for them.
    """
    if lies and found is None:
        raise Refused(
            f"{lies[0]} in the image is not what kp put there, and in the way",
            hint="`kp publish` moves it aside",
        )
    if found is not None:
        set_aside(tree, [Finding(path, "changed") for path in lies], found)
    for path in lies:
        if path == HOME:
            _rehouse(tree)
        else:
            tree.remove_tree(path)
    return lies


def _rehouse(tree: Beneath) -> None:
    """Put a folder in the place of whatever has the name of kp's folder.

    Where a link led to it, what it held of kp's is there at the same instant.
    """
    with NewTree(tree, parent(HOME)) as new:
        for path in (IDENTITY, LIVE, CLAIMS, *tree_objects.paths(tree)):
            if _kind(tree, path) == stat.S_IFREG:
                with tree.open_read(path) as file:
                    pieces = iter(partial(file.read, _CHUNK), b"")
                    new.file(path.removeprefix(f"{HOME}/"), pieces)
        new.finish()
    tree.exchange(new.path, HOME)
    tree.remove_tree(new.path)


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
        with _opened(tree, path) as file:
            require(found, os.fstat(file.fileno()).st_size, 2)
            batch.copy(found / path, Path(f"/proc/self/fd/{file.fileno()}"))
    elif kind == stat.S_IFLNK:
        batch.file(found / f"{path}.link", os.fsencode(tree.readlink(path)) + b"\n")
    elif kind:
        batch.file(found / f"{path}.other", b"not a file, link or directory\n")


def _opened(tree: Beneath, path: str) -> BinaryIO:
    """Open a file, though its mode keeps its owner out."""
    try:
        return tree.open_read(path)
    except PermissionError:
        make_readable(tree, path, FILE_MODE)
        return tree.open_read(path)


def made_readable(tree: Beneath, findings: Iterable[Finding]) -> bool:
    """Let kp read its own files of another mode; tell whether it couldn't before."""
    was = [each.path for each in findings if each.kind == "mode"]
    paths = [path for path in was if look(tree, path).kind == "unreadable"]
    for path in paths:
        with suppress(PermissionError):  # it is another's
            make_readable(tree, path, FILE_MODE)
    return bool(paths)


def _kind(tree: Beneath, path: str) -> int:
    """Return the file type bits, 0 for nothing."""
    found = faults.look(tree, path)
    return stat.S_IFMT(found.st_mode) if found else 0


def places(findings: Collection[Finding]) -> set[str]:
    """Return the objects' paths and the module trees' places that were wrong."""
    return {
        "/".join(each.path.split("/")[:3])
        if each.path.startswith(f"{MODULES}/")
        else each.path
        for each in findings
    }
