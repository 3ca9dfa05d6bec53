"""Renames that plain rename(2) can't do: exchange, and never replace.

Linux has them since 3.15 (renameat2); network file systems and an overlay's
lower directories may refuse. OSErrors leave this module raw.
"""

import errno
import os
from pathlib import Path

from kpstore.disk.libc import rename_with_flags

_AT_FDCWD = -100
_NOREPLACE = 1  # linux/fs.h
_EXCHANGE = 2
_UNSUPPORTED = {errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP}


def exchange(
    first: Path,
    second: Path,
    *,
    first_dir_fd: int | None = None,
    second_dir_fd: int | None = None,
) -> None:
    """Let two existing names change places in one step; not yet durable.

    Raises OSError: ENOENT when one is missing, EOPNOTSUPP where the file system
    can't exchange.
    """
    _rename(first, second, first_dir_fd, second_dir_fd, _EXCHANGE)


def rename_noreplace(
    old: Path,
    new: Path,
    *,
    old_dir_fd: int | None = None,
    new_dir_fd: int | None = None,
) -> None:
    """Rename, or raise FileExistsError if `new` is there; not yet durable.

    Raises OSError EOPNOTSUPP where the file system has no such rename.
    """
    _rename(old, new, old_dir_fd, new_dir_fd, _NOREPLACE)


def _rename(
    old: Path, new: Path, old_dir_fd: int | None, new_dir_fd: int | None, flags: int
) -> None:
    try:
        rename_with_flags(
            _AT_FDCWD if old_dir_fd is None else old_dir_fd,
            os.fspath(old),
            _AT_FDCWD if new_dir_fd is None else new_dir_fd,
            os.fspath(new),
            flags,
        )
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        what = "exchange" if flags == _EXCHANGE else "rename without replacing"
        raise OSError(
            errno.EOPNOTSUPP,
            f"this file system can't {what} names ({error.strerror})",
            os.fspath(old),
            None,
            os.fspath(new),
        ) from error
