"""SQLite as the derived index uses it: opening a file, and what its errors mean."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from kpstore.disk.sharing import begin_file
from kpstore.errors import CorruptState, DiskFailure

__all__ = ["Connection", "IndexFailed", "connect", "guarded", "transaction"]

BESIDE: Final = ("-journal", "-wal", "-shm")
MADE_ANEW: Final = "kp publish makes it anew"
_BUSY: Final = 5.0  # seconds that a reader or writer waits for another
# What a disk, another process or a mode says; any other error is the file's own.
_OF_THE_SYSTEM: Final = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


class IndexFailed(CorruptState):
    """The index is damaged or can't be read: who asked it goes on without it."""


def connect(path: Path, mode: str) -> Connection:
    """Open a database; `mode` is `ro`, `rw` or `rwc`."""
    _refuse_other_than_a_file(path, follow=True)
    for suffix in BESIDE:
        _refuse_other_than_a_file(path.with_name(path.name + suffix))
    if mode == "rwc":
        begin_file(path)
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _refuse_other_than_a_file(path: Path, *, follow: bool = False) -> None:
    """SQLite would wait for a FIFO's other end, and follows no link to a journal."""
    try:
        mode = path.stat(follow_symlinks=follow).st_mode
    except OSError:  # not there, or not to be seen: SQLite says what of it
        return
    if not stat.S_ISREG(mode):
        raise IndexFailed(f"{path} is not a file", hint=MADE_ANEW)


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Write all of the block, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def guarded(doing: str, *, reading: bool = False) -> Iterator[None]:
    """Turn SQLite's errors into IndexFailed; into DiskFailure what stops a writer."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _OF_THE_SYSTEM and not reading:
            raise DiskFailure(f"{doing}: {error}", hint=MADE_ANEW) from None
        raise IndexFailed(f"{doing}: {error}", hint=MADE_ANEW) from None
