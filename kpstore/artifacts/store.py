"""The content store: immutable files named by their SHA-256.

The layout is git-lfs's own, `ab/cd/<sha256>`, so that `git lfs push` and
`git lfs fsck` find them (git-lfs/git-lfs docs/spec.md, "Intercepting Git").
No call needs the site's lock but `remove` and `sweep`.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kpstore.disk.descriptors import about, opened_source
from kpstore.disk.durable import remove, sweep_temporaries, sync_directory
from kpstore.disk.streams import StagedFile, make_young, staged, sync_file
from kpstore.errors import (
    CorruptState,
    DiskFailure,
    InvalidInput,
    NotFound,
    Refused,
    disk_failures,
)

_CHUNK = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODE = 0o444

Progress = Callable[[int], None]  # called with the number of bytes just read


@dataclass(frozen=True)
class StoredRef:
    """An artifact by content; `size` in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Stored:
    """An artifact as it lies in the store; `mtime` in seconds since 1970."""

    sha256: str
    size: int
    mtime: float


class ArtifactStore:
    """Artifacts below `root`, usually `<site>/state.git/lfs/objects`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    # --- adding

    @disk_failures("adding an artifact")
    def adopt(
        self, source: int, name: str, progress: Progress | None = None
    ) -> StoredRef:
        """Add an open regular file from its start, sharing its blocks if possible.

        Raises Refused when the file changes while it is read, InvalidInput when it
        is empty or no regular file; `name` is for messages.
        """
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise InvalidInput(
                f"{name} is not a regular file", hint="give the file itself"
            )
        with staged(self._root) as temp:
            if shared := temp.clone(source):
                _drain(shared, progress)
            else:
                _drain(_copied(_read(source, before.st_size), temp), progress)
                if _changed(before, os.fstat(source)) or temp.size != before.st_size:
                    raise Refused(
                        f"{name} changed while it was read",
                        hint="wait until whatever writes it is done, then add it again",
                    )
            return self._keep(temp, name)

    def add_file(self, path: Path, progress: Progress | None = None) -> StoredRef:
        """Add a file of a trusted path; see `adopt`."""
        with opened_source(path) as descriptor:
            return self.adopt(descriptor, str(path), progress)

    @disk_failures("adding an artifact")
    def add_stream(
        self,
        chunks: Iterable[bytes],
        progress: Progress | None = None,
        *,
        name: str = "the stream",
    ) -> StoredRef:
        """Add bytes as they come, in constant memory; InvalidInput when empty."""
        with staged(self._root) as temp:
            _drain(_copied(chunks, temp), progress)
            return self._keep(temp, name)

    # --- asking

    def path(self, sha256: str) -> Path:
        """Return the artifact's file; NotFound if the store lacks it."""
        path = self._place(sha256)
        if not path.is_file():
            raise NotFound(
                f"artifact {sha256} is not in {self._root}",
                hint="`git lfs fetch` from another site that has it, or add the "
                "file again",
            )
        return path

    def has(self, sha256: str, size: int | None = None) -> bool:
        """Tell whether the artifact is here, with `size` bytes if that is given."""
        try:
            found = self._place(sha256).stat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(found.st_mode) and size in {None, found.st_size}

    def open(self, sha256: str) -> BinaryIO:
        """Open an artifact for reading; NotFound if the store lacks it."""
        return self.path(sha256).open("rb")

    @disk_failures("reading an artifact")
    def verify(self, sha256: str, progress: Progress | None = None) -> None:
        """Hash the artifact; CorruptState when it isn't what its name says.

        Raises NotFound if the store lacks it.
        """
        digest = hashlib.sha256()
        with self.open(sha256) as file:
            while data := file.read(_CHUNK):
                digest.update(data)
                if progress:
                    progress(len(data))
        if digest.hexdigest() != sha256:
            raise CorruptState(
                f"artifact {self._place(sha256)} holds other bytes: "
                f"they hash to {digest.hexdigest()}",
                hint="move it away and fetch it from another site, or add the file "
                "again",
            )

    def __iter__(self) -> Iterator[Stored]:
        """List every artifact, sorted by name; anything else below is passed over."""
        for first in _directories(self._root):
            for second in _directories(self._root / first):
                yield from self._stored(first, second)

    # --- removing

    @disk_failures("removing an artifact")
    def remove(self, sha256: str, *, before: float) -> bool:
        """Remove an artifact, durably, unless it was added at or after `before`.

        Seconds since 1970. Tells whether it is gone; missing is fine. Who adds it
        again in this very moment is told so by the commit, which looks for it.
        """
        place = self._place(sha256)
        try:
            if place.stat().st_mtime >= before:
                return False
        except FileNotFoundError:
            return True
        remove(place)
        sync_directory(place.parent)
        return True

    @disk_failures("sweeping the artifacts")
    def sweep(self) -> list[str]:
        """Remove what adding processes left when they died; name it."""
        return sweep_temporaries(self._root)

    # --- how

    def _place(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise InvalidInput(
                f"{sha256!r} is not a SHA-256 in hex",
                hint="64 letters and digits, as kp kernel show tells them",
            )
        return self._root / sha256[:2] / sha256[2:4] / sha256

    def _keep(self, temp: StagedFile, name: str) -> StoredRef:
        ref = StoredRef(temp.sha256, temp.size)
        if not ref.size:
            raise InvalidInput(
                f"{name} is empty: no kernel, initrd or archive is",
                hint="was it cut short? make it anew",
            )
        place = self._place(ref.sha256)
        if self._is_whole(ref) and make_young(place):
            # Another writer, or git-lfs, may have named it without a sync.
            sync_file(place)
        else:
            temp.keep(place, mode=_MODE)
        return ref

    def _is_whole(self, ref: StoredRef) -> bool:
        """Tell whether it is here and undamaged; what can't be read isn't."""
        if not self.has(ref.sha256, ref.size):
            return False
        try:
            self.verify(ref.sha256)
        except (CorruptState, DiskFailure):
            return False
        return True

    def _stored(self, first: str, second: str) -> Iterator[Stored]:
        with about(self._root), os.scandir(self._root / first / second) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if _is_artifact(entry, first + second):
                    found = entry.stat(follow_symlinks=False)
                    yield Stored(entry.name, found.st_size, found.st_mtime)


def _is_artifact(entry: os.DirEntry[str], prefix: str) -> bool:
    return (
        _SHA256.fullmatch(entry.name) is not None
        and entry.name.startswith(prefix)
        and entry.is_file(follow_symlinks=False)
    )


def _directories(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(
                entry.name
                for entry in entries
                if re.fullmatch("[0-9a-f]{2}", entry.name)
                and entry.is_dir(follow_symlinks=False)
            )
    except FileNotFoundError:
        return []


def _read(source: int, size: int) -> Iterator[bytes]:
    """Read from the start, past `size` by one byte at most: a log may grow for ever."""
    offset = 0
    while data := os.pread(source, min(_CHUNK, size + 1 - offset), offset):
        offset += len(data)
        yield data


def _copied(chunks: Iterable[bytes], temp: StagedFile) -> Iterator[bytes]:
    for data in chunks:
        temp.write(data)
        yield data


def _drain(chunks: Iterable[bytes], progress: Progress | None) -> None:
    for data in chunks:
        if progress:
            progress(len(data))


def _changed(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )
