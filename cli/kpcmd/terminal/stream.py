"""Writing to stdout and stderr: closed, full, poor in letters, or read by nobody."""

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TextIO


def prepare() -> None:
    """Have stdout and stderr write out the letters that they lack."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(stream: TextIO | None, text: str) -> None:
    """Write and flush; OSError when that can't be.

    A reader that has gone had enough (`kp log | head`): no error.
    """
    if stream is None or stream.closed:  # Python has none where the descriptor is shut
        raise OSError(errno.EBADF, "it is closed")
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _lead_nowhere(stream)
    except OSError:
        _lead_nowhere(stream)
        raise


def drain() -> None:
    """Leave nothing in stdout and stderr that would fail when Python ends."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            write(stream, "")


def has_every_letter(stream: TextIO | None) -> bool:
    """Tell whether a stream can write every letter there is."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return encoding.lower().replace("_", "-").startswith("utf-")


def _lead_nowhere(stream: TextIO) -> None:
    """Let what can't be written go."""
    with suppress(OSError):  # it has no descriptor
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
