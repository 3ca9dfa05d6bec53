"""The rename that plain rename(2) can't do: two names change places.

Linux has it since 3.15 (renameat2); network file systems and an overlay's lower
directories may refuse. OSErrors leave this module raw.
"""

import errno
import os
from pathlib import Path

from kpstore.disk.libc import rename_with_flags

_AT_FDCWD = -100
_EXCHANGE = 2  # linux/fs.h
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
    try:
        rename_with_flags(
            _AT_FDCWD if first_dir_fd is None else first_dir_fd,
            os.fspath(first),
            _AT_FDCWD if second_dir_fd is None else second_dir_fd,
            os.fspath(second),
            _EXCHANGE,
        )
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        raise OSError(
            errno.EOPNOTSUPP,
            f"this file system can't exchange names ({error.strerror})",
            os.fspath(first),
            None,
            os.fspath(second),
        ) from error
