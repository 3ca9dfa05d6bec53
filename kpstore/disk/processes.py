"""Which run of which machine this is: for locks and caches that a crash leaves."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

GONE: Final = "0"
"""When a process started that is no more."""


HIDDEN: Final = ""


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Return 16 hex digits that differ after every boot (random(4))."""
    text = Path("/proc/sys/kernel/random/boot_id").read_text("utf-8")
    return text.replace("-", "")[:16]


def started(process: int) -> str:
    """Return the clock ticks from boot to a process's start; GONE when it is.

    '' for another user's that lives and is hidden (hidepid of proc(5)).
    proc(5), field 22 of stat; a zombie is gone.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
    except OSError:
        return GONE if _is_gone(process) else HIDDEN
    state, *fields = text.rpartition(")")[2].split()
    return GONE if state in "ZX" else fields[18]


def _is_gone(process: int) -> bool:
    if process <= 0:
        return True
    try:
        os.kill(process, 0)  # which looks whether it could
    except PermissionError:
        return False
    except (OSError, OverflowError):
        return True
    return False
