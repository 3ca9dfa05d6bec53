"""A whole directory made ready beneath an untrusted root, seen under no name.

It is filled below a temporary name beside its place; the caller renames it in,
or exchanges it, once it is complete. Every step goes by the descriptors of the
directories made here and never follows a link. OSErrors leave this module raw,
naming the image's path.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import TracebackType
from typing import Self

from kpstore.disk import sharing
from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import (
    about,
    create,
    sync_directory_fd,
    temp_name,
    write_all,
)
from kpstore.disk.libc import start_writeout
from kpstore.errors import Refused

_OPEN_FILES = 128  # unsynced files kept open at a time


class NewTree:
    """A directory below `parent` (a path in the image), under a temporary name.

    Leaving the `with` block without `finish()` removes it.
    """

    def __init__(self, tree: Beneath, parent: str) -> None:
        self.path = f"{parent}/{temp_name()}"
        self._tree = tree
        self._finished = False
        self._modes: dict[str, int] = {"": 0o755}  # directories made, parents first
        self._files: deque[tuple[int, str]] = deque()  # unsynced, its path

    def __enter__(self) -> Self:
        self._tree.makedirs(self.path, 0o700)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove what was not finished."""
        for descriptor, _ in self._files:
            os.close(descriptor)
        self._files.clear()
        if not self._finished:
            # What can't be removed now is swept later; the first error matters more.
            with suppress(OSError, Refused):
                self._tree.remove_tree(self.path)

    def directory(self, rel: str, mode: int = 0o755) -> None:
        """Add a directory and its missing parents; `mode` is set at the end."""
        self._make(rel)
        self._modes[rel] = mode

    def file(self, rel: str, pieces: Iterable[bytes], mode: int = 0o644) -> None:
        """Add a file; parents are made."""
        with self._adding(rel) as (directory, name):
            descriptor = create(name, directory)
            self._files.append((descriptor, rel))
            for piece in pieces:
                write_all(descriptor, piece)
            sharing.finish(descriptor, mode, self._place(rel))
            start_writeout(descriptor)
        if len(self._files) >= _OPEN_FILES:
            self._sync_files()

    def link(self, rel: str, text: str) -> None:
        """Add a symbolic link; parents are made."""
        with self._adding(rel) as (directory, name):
            os.symlink(text, name, dir_fd=directory)

    def finish(self) -> None:
        """Make everything durable under its temporary name, which now stays."""
        self._sync_files()
        for rel in reversed(self._modes):
            with self._opened(rel) as directory:
                sharing.finish(directory, self._modes[rel], self._place(rel))
                sync_directory_fd(directory)
        self._finished = True

    @contextmanager
    def _adding(self, rel: str) -> Iterator[tuple[int, str]]:
        parent, _, name = rel.rpartition("/")
        if name in {"", ".", ".."}:
            raise Refused(
                f"{rel!r} is not a name in a directory",
                hint="one name, without a slash",
            )
        self._make(parent)
        with self._opened(parent) as directory:
            yield directory, name

    def _make(self, rel: str) -> None:
        if rel not in self._modes:
            with self._adding(rel) as (directory, name):
                os.mkdir(name, 0o700, dir_fd=directory)
            self._modes[rel] = 0o755

    def _place(self, rel: str) -> str:
        return self._tree._shown(f"{self.path}/{rel}")

    def _opened(self, rel: str) -> AbstractContextManager[int]:
        return self._tree._opened(f"{self.path}/{rel}")

    def _sync_files(self) -> None:
        while self._files:
            descriptor, rel = self._files[-1]
            with about(f"{self.path}/{rel}"):
                os.fsync(descriptor)
            self._files.pop()
            os.close(descriptor)
