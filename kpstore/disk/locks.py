"""The site's lock: one writer at a time, freed by the kernel when it dies.

flock(2) by filelock, never its soft variant (a file that outlives its writer).
filelock 4.2 neither truncates the file nor changes an existing one's mode, and
opens it with O_NOFOLLOW, so the holder's line can live in the lock file itself.
"""

import fcntl
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from kpstore.disk import sharing
from kpstore.disk.descriptors import DIRECTORY, closing
from kpstore.errors import Locked, Refused, disk_failures

_QUIET = 1.0  # seconds of waiting before anybody is told
_LONGEST_LINE = 4096

# Lock file -> process and thread that hold it here. A second hold by the same
# thread would wait for itself; another thread waits like another process.
_held: dict[str, tuple[int, int]] = {}


@dataclass
class Hold:
    """A lock that is held; `left` is what the lock file says when it is given up.

    It comes with the line of a holder before us that was killed or failed, whose
    remains nobody has swept yet; who sweeps them sets it to "".
    """

    left: str


class SiteLock:
    """The lock file of a site; `holder` says who we are to those who wait."""

    def __init__(self, path: Path, *, holder: str) -> None:
        self._path = path
        self._holder = holder

    @contextmanager
    def hold(
        self, wait: float, on_wait: Callable[[str], None], *, since: str = ""
    ) -> Iterator["Hold"]:
        """Hold the lock for the block; wait for it at most `wait` seconds.

        `on_wait` is called once, after about a second, with the holder's line;
        `since` is a time as text, shown to others. Raises Locked, naming the
        holder, DiskFailure, where the file system has no flock too, and Refused for
        who may not write there.
        """
        sharing.check_writer(self._path.parent)
        key = os.path.realpath(self._path)
        ourselves = (os.getpid(), threading.get_ident())
        if _held.get(key) == ourselves:
            raise Locked(
                f"{self._path} is already held by this very thread",
                hint="this is a mistake in the program: one hold for one change",
            )
        with disk_failures("locking"):
            self._clear()
            lock = self._acquired(wait, on_wait)
        _held[key] = ourselves
        try:
            hold = Hold(self.holder())
            self._write(self._line(since))
            yield hold
            self._write(hold.left)
        finally:
            del _held[key]
            lock.release()

    def is_held(self) -> bool:
        """Tell whether somebody holds it right now; OSErrors pass."""
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        if not self._path.is_file() or self._path.is_symlink():
            return False
        with closing(os.open(self._path, flags)) as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def holder(self) -> str:
        """Read who holds the lock; empty when nobody does or they haven't said."""
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            with closing(os.open(self._path, flags)) as descriptor:
                text = os.read(descriptor, _LONGEST_LINE).decode("utf-8", "replace")
                return text.partition("\n")[0]
        return ""

    def _clear(self) -> None:
        """Take away what lies in the lock's place and can't be held: a FIFO, a link.

        The folder is locked meanwhile: two who do this at once would hold two locks.
        """
        if _is_file_or_missing(self._path):
            return
        with closing(os.open(self._path.parent, DIRECTORY)) as folder:
            fcntl.flock(folder, fcntl.LOCK_EX)
            if self._path.is_dir() and not self._path.is_symlink():
                _remove_empty(self._path)
            elif not _is_file_or_missing(self._path):
                self._path.unlink()

    def _acquired(self, wait: float, on_wait: Callable[[str], None]) -> FileLock:
        mode = sharing.mode_of(self._path, 0o644)
        lock = FileLock(self._path, mode=mode, fallback_to_soft=False)
        try:
            lock.acquire(timeout=min(wait, _QUIET))
            return lock
        except Timeout:
            if wait <= _QUIET:
                raise self._locked(wait) from None
        on_wait(self._who())
        try:
            lock.acquire(timeout=wait - _QUIET)
        except Timeout:
            raise self._locked(wait) from None
        return lock

    def _locked(self, wait: float) -> Locked:
        return Locked(
            f"{self._path} is held by {self._who()}, for more than {wait:g} s",
            hint="try again when that has finished",
        )

    def _who(self) -> str:
        return self.holder() or "another process"

    def _line(self, since: str) -> str:
        began = f" since {since}" if since else ""
        return f"{' '.join(self._holder.split())} (pid {os.getpid()}){began}\n"

    def _write(self, line: str) -> None:
        """Write the holder's line, a courtesy: a full disk must not stop a rollback."""
        with suppress(OSError):
            flags = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            with closing(os.open(self._path, flags)) as descriptor:
                data = line.encode("utf-8", "replace")[:_LONGEST_LINE]
                os.pwrite(descriptor, data, 0)
                os.ftruncate(descriptor, len(data))
                if sharing.group_of(self._path) is not None:
                    sharing.finish(descriptor, 0o644, self._path)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        raise Refused(
            f"{folder} is a folder with something in it, not a file to lock",
            hint="kp doctor says how to move it away",
        ) from error


def _is_file_or_missing(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return True
