"""Folders of a group, in tests: whose they are, and their modes as `ls -l` has them."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

GROUP: Final = 4242 if os.geteuid() == 0 else os.getegid()
"""A group that this process may give files to."""


@contextmanager
def under(umask: int) -> Iterator[None]:
    """Go on under another umask."""
    was = os.umask(umask)
    try:
        yield
    finally:
        os.umask(was)


def kinds(top: Path) -> dict[str, tuple[str, int]]:
    """Return type and mode, and the group, of all below a folder, but of links."""
    return {
        str(path.relative_to(top)): (stat.filemode(found.st_mode), found.st_gid)
        for path in sorted(top.rglob("*"))
        if not stat.S_ISLNK((found := path.lstat()).st_mode)
    }
