"""Links and directories as they are found; what isn't there is a value, no error."""

import errno
import os
from pathlib import Path


def link_text(path: str | Path) -> str | None:
    """Return a link's text, None if nothing is there, '' if it is no link."""
    try:
        return os.readlink(path)  # noqa: PTH115 -- a Path costs more than the call
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return ""


def names_in(folder: Path) -> set[str]:
    """Return the names in a directory, none if it isn't there."""
    try:
        return set(os.listdir(folder))  # noqa: PTH208 -- names, 100,000 of them
    except (FileNotFoundError, NotADirectoryError):
        return set()
