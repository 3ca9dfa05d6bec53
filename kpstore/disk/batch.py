"""Many new things made durable together, then named.

Start write-out of all, then fsync each, then rename, then the directories: half
the time of one by one. Of very many, the first are done so, and the others by one
flush of their file system, where that can be trusted (`volumes`): a fifth of it.
OSErrors leave this module raw, naming the final path, or where the flush began.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from kpstore.disk import sharing
from kpstore.disk.descriptors import (
    DIRECTORY,
    about,
    closing,
    copy_all,
    create,
    opened_source,
    sync_directory_fd,
    temp_name,
    write_all,
)
from kpstore.disk.directories import make_directories, sync_directory
from kpstore.disk.libc import start_writeout
from kpstore.disk.links import make_links
from kpstore.disk.tree import remove_tree_at
from kpstore.disk.volumes import Volumes
from kpstore.errors import InvalidInput

_OPEN_FILES = 64  # unsynced files kept open at a time; fewer are fsynced faster


class Batch:
    """Many new things made durable together, then named.

    Leaving the `with` block without `commit()` removes every temp. Names appear
    in the order of the calls, each one atomically, but a power cut during
    `commit()` may keep any of them: where the order matters, use two batches.
    Temps are made beside the names, or in `temps`, a directory of the same file
    system: where one place is swept and many are written to.
    """

    def __init__(self, temps: Path | None = None) -> None:
        self._temps = temps
        self._stem = temp_name()
        self._numbers = count()
        # Strings: a batch may hold 100,000 links, and a Path costs four times that.
        self._staged: deque[tuple[str, str]] = deque()  # temp, final name
        self._unsynced_files: list[tuple[int, str]] = []  # open, final name
        self._volumes = Volumes()  # those that have more new files than that
        self._unsynced_directories: dict[str, int] = {}  # new directory -> mode
        self._parents: dict[str, None] = {}  # in order, each once

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not committed."""
        for descriptor, _ in self._unsynced_files:
            os.close(descriptor)
        self._unsynced_files.clear()
        self._volumes.close()
        self._unsynced_directories.clear()
        while self._staged:
            # What can't be removed now is swept later; the first error matters more.
            with suppress(OSError):
                remove_tree_at(self._staged.pop()[0])

    def file(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Replace a file."""
        with about(path):
            self._write(self._temp_for(path), str(path), data, mode)

    def copy(self, path: Path, source: Path, *, mode: int = 0o444) -> None:
        """Replace a file by an independent copy (reflink where there is one).

        Raises Refused when `source` is not a regular file.
        """
        with opened_source(source) as original, about(path):
            self._copy(self._temp_for(path), str(path), original, mode)

    def link(self, path: Path, text: str) -> None:
        """Replace a symbolic link."""
        with about(path):
            os.symlink(text, self._temp_for(path))

    def directory(self, path: Path, *, mode: int = 0o755) -> "NewDirectory":
        """Make a whole directory that appears by one rename.

        Names by content: an existing directory that isn't empty wins, silently.
        """
        with about(path):
            return NewDirectory(self, self._temp_for(path), str(path), mode)

    def prepare(self) -> None:
        """Make durable what was added so far, still under temporary names."""
        self._sync_files()
        deepest_first = sorted(
            self._unsynced_directories, key=lambda path: path.count("/"), reverse=True
        )
        for path in deepest_first:
            self._finish_directory(path, self._unsynced_directories.pop(path))
        self._volumes.sync()

    def commit(self) -> None:
        """Prepare, rename in the order of the calls, fsync each parent once.

        An error part way leaves the names that were reached in place.
        """
        self.prepare()
        while self._staged:
            _rename(*self._staged[0])
            self._staged.popleft()
        for parent in self._parents:
            sync_directory(Path(parent))
        self._parents.clear()

    def _temp_for(self, path: Path) -> str:
        final = str(path)
        parent = os.path.dirname(final)
        if parent not in self._parents:
            make_directories(Path(parent), temps=self._temps)
            self._parents[parent] = None
        temp = os.path.join(
            self._temps or parent, f"{self._stem}-{next(self._numbers)}"
        )
        self._staged.append((temp, final))
        return temp

    def _write(self, temp: str, final: str, data: bytes, mode: int) -> None:
        descriptor = self._created(temp, final)
        write_all(descriptor, data)
        self._written(descriptor, mode, temp)

    def _copy(self, temp: str, final: str, source: int, mode: int) -> None:
        descriptor = self._created(temp, final)
        copy_all(source, descriptor)
        self._written(descriptor, mode, temp)

    def _created(self, temp: str, final: str) -> int:
        if len(self._unsynced_files) >= _OPEN_FILES:
            self._sync_files()
            self._volumes.watch(os.path.dirname(temp))
        descriptor = create(temp)
        self._unsynced_files.append((descriptor, final))
        return descriptor

    def _written(self, descriptor: int, mode: int, temp: str) -> None:
        sharing.finish(descriptor, mode, temp)
        if self._volumes.take(descriptor):
            self._unsynced_files.pop()
            os.close(descriptor)

    def _finish_directory(self, path: str, mode: int) -> None:
        with closing(os.open(path, DIRECTORY)) as directory:
            sharing.finish(directory, mode, path)
            if not self._volumes.take(directory):
                sync_directory_fd(directory)

    def _sync_files(self) -> None:
        if len(self._unsynced_files) > 1:
            for descriptor, _ in self._unsynced_files:
                start_writeout(descriptor)
        while self._unsynced_files:
            descriptor, final = self._unsynced_files[-1]
            with about(final):
                os.fsync(descriptor)
            self._unsynced_files.pop()
            os.close(descriptor)


class NewDirectory:
    """A directory of a batch, filled under its temporary name."""

    def __init__(self, batch: Batch, temp: str, final: str, mode: int) -> None:
        os.mkdir(temp, 0o700)
        sharing.begin_folder(temp)
        self._batch = batch
        self._temp = temp
        self._final = final
        self._mode = mode
        self._changed()

    def file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Add a file."""
        with self._adding(name) as (temp, final):
            self._batch._write(temp, final, data, mode)

    def copy(self, name: str, source: Path, mode: int = 0o444) -> None:
        """Add an independent copy; Refused when `source` is no regular file."""
        with opened_source(source) as original, self._adding(name) as (temp, final):
            self._batch._copy(temp, final, original, mode)

    def link(self, name: str, text: str) -> None:
        """Add a symbolic link."""
        with self._adding(name) as (temp, _):
            os.symlink(text, temp)

    def links(self, texts: Mapping[str, str], like: Path | None = None) -> None:
        """Add symbolic links by name; those that `like` has too are shared with it."""
        self._changed()
        with about(self._final):
            make_links(Path(self._temp), texts.items(), like)

    def hardlink(self, name: str, source: Path) -> None:
        """Add another name of `source`, whose bytes must be durable already.

        A copy of it, where the kernel keeps users from linking what they can't write
        (fs.protected_hardlinks, proc(5)).
        """
        with self._adding(name) as (temp, final):
            try:
                os.link(source, temp, follow_symlinks=False)
            except PermissionError:
                with opened_source(source) as original:
                    mode = stat.S_IMODE(os.fstat(original).st_mode)
                    self._batch._copy(temp, final, original, mode)

    def directory(self, name: str, mode: int = 0o755) -> "NewDirectory":
        """Add a directory."""
        with self._adding(name) as (temp, final):
            return NewDirectory(self._batch, temp, final, mode)

    @contextmanager
    def _adding(self, name: str) -> Iterator[tuple[str, str]]:
        if "/" in name or name in {"", ".", ".."}:
            raise InvalidInput(
                f"{name!r} is not the name of a file in a directory",
                hint="one name, without a slash",
            )
        self._changed()
        final = f"{self._final}/{name}"
        with about(final):
            yield f"{self._temp}/{name}", final

    def _changed(self) -> None:
        self._batch._unsynced_directories[self._temp] = self._mode


def _rename(temp: str, final: str) -> None:
    try:
        os.rename(temp, final)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            error.filename = final
            raise
        remove_tree_at(temp)
