"""Loose objects: one file each, named by its id (gitrepository-layout(5))."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kpstore.disk.durable import Batch, NewDirectory
from kpstore.disk.streams import read_regular
from kpstore.errors import CorruptState
from kpstore.history.git.sizes import MAX_FILE, check_loose

# What opening a folder, FIFO, socket, or a link to itself ends with.
_IN_ITS_PLACE: Final = {errno.EINVAL, errno.ENOTDIR, errno.ELOOP, errno.ENXIO}


def path_of(objects: Path, oid: str) -> Path:
    """Return where an object's file is."""
    return objects / oid[:2] / oid[2:]


def read(objects: Path, oid: str) -> bytes | None:
    """Return the compressed bytes of an object; None where it has no file.

    ForeignEntry for one that unpacks to more than kp reads.
    """
    try:
        data = read_regular(path_of(objects, oid), MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in _IN_ITS_PLACE:
            raise
        text = f"object {oid} is damaged: {error.strerror}"
        raise CorruptState(text, hint="kp doctor") from None
    check_loose(oid, data)
    return data


def write(objects: Path, files: Mapping[str, bytes]) -> None:
    """Write objects durably, compressed bytes by id, in two flushes each.

    One that is there already is written anew: it may be empty, or its writer may
    have been killed before the name was on the disk.
    """
    while files:
        with Batch() as batch:
            _stage(batch, objects, files)
            batch.commit()
        # A push may have made the same directory while ours was staged.
        files = {
            oid: data
            for oid, data in files.items()
            if not path_of(objects, oid).exists()
        }


def _stage(batch: Batch, objects: Path, files: Mapping[str, bytes]) -> None:
    """Stage new directories with their files: one sync of objects/ names them all."""
    folders: dict[Path, NewDirectory] = {}
    for oid, data in files.items():
        path = path_of(objects, oid)
        if _has_entries(path.parent):
            batch.file(path, data, mode=0o444)
            continue
        if path.parent not in folders:
            folders[path.parent] = batch.directory(path.parent)
        folders[path.parent].file(path.name, data, mode=0o444)


def _has_entries(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except FileNotFoundError:
        return False
