"""Files, links and directories that survive a power cut whole.

The recipe (docs/architecture.md, the promise): write under a temporary name in
the same directory, fsync, rename, fsync the directory. Modes are set explicitly,
so the umask never matters. A failed fsync is never tried again: the kernel may
have marked the lost pages clean, so only a new file can be trusted.

OSErrors leave this module raw, with `filename` set to the name that was asked
for; the transaction turns them into `DiskFailure`. The directories must be kp's
own or an administrator's: for image trees see `kpstore.disk.beneath`.
"""

from pathlib import Path

from kpstore.disk.batch import Batch, NewDirectory
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.disk.directories import (
    make_directories,
    remove,
    remove_empty,
    remove_tree,
    remove_trees,
    replace_link,
    sweep_temporaries,
    sync_directory,
)

__all__ = [
    "TEMP_PREFIX",
    "Batch",
    "NewDirectory",
    "make_directories",
    "remove",
    "remove_empty",
    "remove_tree",
    "remove_trees",
    "replace_link",
    "sweep_temporaries",
    "sync_directory",
    "write_file",
]


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Replace one file, durably; missing parents are made."""
    with Batch() as batch:
        batch.file(path, data, mode=mode)
        batch.commit()
