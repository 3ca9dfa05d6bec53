"""`kp` and `python -m kpcmd`: one command in a process of its own."""

import atexit
import gc
import sys
from importlib import import_module
from typing import Final

_OBJECTS: Final = 100_000  # made before garbage is looked for; Python's own is 700


def run() -> int:
    """Run it; return its exit status.

    Garbage is looked for seldom, and not at the end: imports make no garbage, and
    looking through what they made costs as much as a third of them.
    """
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)
    status: int = import_module("kpcmd.app").main()
    return status


if __name__ == "__main__":
    sys.exit(run())
