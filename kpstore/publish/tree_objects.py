"""Kernels, initrds and hypervisors in an image tree: additive, named by content.

An object appears complete and durable by one rename, before anything names it, as
a reflink or copy of the artifact, never a hard link: what is written there must not
reach the only good copy. OSErrors pass raw.
"""

import hashlib
import re
import stat
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.errors import Refused
from kpstore.publish.checked import damaged
from kpstore.publish.target import Artifacts, ObjectFile
from kpstore.publish.tree_layout import FILE_MODE, HOME

_CHUNK = 1 << 20
_DIRECTORY: Final = re.compile(r"[0-9a-f]{12}")


def missing(
    tree: Beneath, objects: Iterable[ObjectFile], trusted: Collection[str]
) -> list[ObjectFile]:
    """Return the objects to add; those whose path is not `trusted` are hashed."""
    return [
        each for each in objects if fault(tree, each, deep=each.path not in trusted)
    ]


def fault(tree: Beneath, wanted: ObjectFile, *, deep: bool) -> str:
    """Say what is wrong with an object: `missing`, `changed`, `mode`, or nothing."""
    try:
        found = tree.stat(wanted.path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    if not stat.S_ISREG(found.st_mode) or found.st_size != wanted.size:
        return "changed"
    if deep and hash_of(tree, wanted.path) != wanted.sha256:
        return "changed"
    return "mode" if stat.S_IMODE(found.st_mode) != FILE_MODE else ""


def add(tree: Beneath, wanted: ObjectFile, artifacts: Artifacts) -> None:
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
    with suppress(FileNotFoundError):
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
    except (NotADirectoryError, Refused):
        return False
