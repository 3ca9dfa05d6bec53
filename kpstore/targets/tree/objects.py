"""Kernels, initrds and hypervisors in an image tree: additive, named by content.

An object appears complete and durable by one rename, before anything names it, as
a reflink or copy of the artifact, never a hard link: what is written there must not
reach the only good copy. OSErrors pass raw.
"""

import hashlib
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.errors import Refused
from kpstore.targets.artifacts import damaged
from kpstore.targets.tree import faults
from kpstore.targets.tree.faults import Fault
from kpstore.targets.tree.layout import FILE_MODE, HOME, OBJECT
from kpstore.targets.values import ArtifactSource, ObjectFile

_CHUNK = 1 << 20
_DIRECTORY: Final = re.compile(r"[0-9a-f]{12}")


def missing(
    tree: Beneath, objects: Iterable[ObjectFile], trusted: Collection[str]
) -> list[ObjectFile]:
    """Return the objects to add; those whose path is not `trusted` are hashed."""
    roots = faults.is_roots(tree)
    return [
        each
        for each in objects
        if standing(tree, each.path, each.size, roots=roots).kind
        or (each.path not in trusted and differs(tree, each))
    ]


def standing(tree: Beneath, path: str, size: int | None, *, roots: bool) -> Fault:
    """Judge an object unread; `size` in bytes, None where nobody knows it."""
    found = faults.look(tree, path)
    fault = faults.of_file(tree, found, roots=roots)
    if found and fault.kind != "changed" and size not in {None, found.st_size}:
        return Fault("changed", f"{found.st_size} bytes, not {size}")
    return fault


def differs(tree: Beneath, wanted: ObjectFile) -> bool:
    """Tell whether a file holds other bytes than its artifact."""
    try:
        return hash_of(tree, wanted.path) != wanted.sha256
    except (FileNotFoundError, NotADirectoryError, PermissionError, Refused):
        return True


def add(tree: Beneath, wanted: ObjectFile, artifacts: ArtifactSource) -> None:
    """Add one object, durably.

    Raises CorruptState when the artifact does not hold what its name says.
    """
    source = artifacts.path(wanted.sha256)
    tree.makedirs(wanted.path.rpartition("/")[0])
    tree.copy_in(wanted.path, source, mode=FILE_MODE)
    if hash_of(tree, wanted.path) != wanted.sha256:
        remove(tree, wanted.path)
        raise damaged(wanted.sha256)


def remove(tree: Beneath, path: str) -> None:
    """Remove one object, and its directory if that is then empty."""
    directory = path.rpartition("/")[0]
    if tree.is_dir(directory):
        tree.remove(path)
        if not tree.names(directory):
            tree.remove_directory(directory)


def kept(tree: Beneath) -> list[str]:
    """Return the directories of objects by name: the first 12 digits of a SHA-256."""
    with suppress(FileNotFoundError, NotADirectoryError, Refused):
        return [name for name in tree.names(HOME) if _DIRECTORY.fullmatch(name)]
    return []


def paths(tree: Beneath) -> list[str]:
    """Return every object's path."""
    homes = [f"{HOME}/{name}" for name in kept(tree)]
    return [
        f"{home}/{each}"
        for home in homes
        if tree.is_dir(home)
        for each in tree.names(home)
        if OBJECT.fullmatch(f"{home}/{each}")
    ]


def hash_of(tree: Beneath, path: str) -> str:
    """Return the SHA-256 of a regular file; Refused for anything else."""
    found = hashlib.sha256()
    with tree.open_read(path) as file:
        while piece := file.read(_CHUNK):
            found.update(piece)
    return found.hexdigest()


def intact(tree: Beneath, name: str) -> bool:
    """Tell whether a directory of objects holds only what its name says, and temps."""
    try:
        return all(
            hash_of(tree, f"{HOME}/{name}/{each}").startswith(name)
            for each in tree.names(f"{HOME}/{name}")
            if not each.startswith(TEMP_PREFIX)
        )
    except (NotADirectoryError, PermissionError, Refused):
        return False
