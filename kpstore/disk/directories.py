"""Names in directories: making, syncing, replacing and removing them.

OSErrors leave this module raw, naming the path that was asked for.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from kpstore.disk.descriptors import (
    DIRECTORY,
    TEMP_PREFIX,
    about,
    closing,
    is_stale,
    make_directory,
    sync_directory_fd,
    temp_name,
)
from kpstore.disk.tree import remove_tree_at


def replace_link(path: Path, text: str) -> None:
    """Replace a symbolic link atomically, not yet durably: sync the directory."""
    temp = path.parent / temp_name()
    with about(path):
        os.symlink(text, temp)
        try:
            os.rename(temp, path)
        except OSError:
            with suppress(OSError):
                os.unlink(temp)
            raise


def make_directories(
    path: Path, *, mode: int = 0o755, temps: Path | None = None
) -> None:
    """Make a directory and its missing parents, durably, each with `mode`.

    With `temps`, an existing directory of the same file system, temporary names are
    made there: one place to sweep instead of many.

    Existing ones keep their mode. An empty one is treated as just made: whoever
    made it may have been killed before its name was durable.
    """
    if _has_entries(path):
        return
    if not path.is_dir():
        make_directories(path.parent, mode=mode, temps=temps)
        with about(path):
            make_directory(str(path), mode, temps=str(temps) if temps else None)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in `path` durable."""
    with about(path), closing(os.open(path, DIRECTORY)) as directory:
        sync_directory_fd(directory)


def remove(path: Path, *, missing_ok: bool = True) -> None:
    """Remove a file or a link, not yet durably: sync the directory."""
    path.unlink(missing_ok=missing_ok)


def remove_empty(path: Path) -> None:
    """Remove a directory, durably, if it is there and nothing is in it."""
    if path.is_dir() and not _has_entries(path):
        with about(path):
            path.rmdir()
        sync_directory(path.parent)


def remove_tree(path: Path, temps: Path | None = None) -> None:
    """Remove a directory with all that is in it, if it is there.

    It leaves its name first, durably: a half-removed directory is never seen
    under a name that promises its content. Links are not followed. With `temps`, a
    directory of the same file system, what is left of it is there.
    """
    remove_trees([path], temps)


def remove_trees(paths: Iterable[Path], temps: Path | None = None) -> None:
    """Remove directories so; all leave their names before one goes, by one flush."""
    left: list[tuple[Path, str]] = []
    for path in paths:
        temp = str((temps or path.parent) / temp_name())
        with about(path), suppress(FileNotFoundError):
            os.rename(path, temp)
            left.append((path, temp))
    for parent in dict.fromkeys(path.parent for path, _ in left):
        sync_directory(parent)
    for path, temp in left:
        with about(path):
            remove_tree_at(temp)


def sweep_temporaries(directory: Path) -> list[str]:
    """Remove the temps that dead processes left right in `directory`; name them.

    Those of living processes stay: an import writes without the site's lock. Nothing
    where we may not look: another's, just being made.
    """
    temps: list[str] = []
    with suppress(FileNotFoundError, PermissionError):
        temps = [n for n in os.listdir(directory) if n.startswith(TEMP_PREFIX)]
    stale = [name for name in sorted(temps) if is_stale(name)]
    for name in stale:
        with suppress(FileNotFoundError):
            remove_tree_at(str(directory / name))
    return stale


def _has_entries(path: Path) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False
