"""One line on a terminal that says what is being done, until something else is said."""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass

from kpcmd.terminal.stream import write

_STEP = 4_000_000  # bytes between two lines about the same work
_WIDTH = 80  # where a terminal doesn't say


@dataclass
class StatusLine:
    """The last line of stderr; `width` 0 is that of the terminal."""

    width: int = 0
    _shown: bool = False

    def show(self, doing: str) -> None:
        """Write over the line."""
        with suppress(OSError):  # it went: what is done goes on
            columns = self.width or os.get_terminal_size(sys.stderr.fileno()).columns
            room = (columns or _WIDTH) - 2
            write(sys.stderr, f"\r\x1b[K{doing[:room]}…")
            self._shown = True

    def clear(self) -> None:
        """Leave no trace of it."""
        if self._shown:
            self._shown = False
            with suppress(OSError):
                write(sys.stderr, "\r\x1b[K")


class Amount:
    """How much of some work is done, said on the line, if any, now and then."""

    def __init__(self, line: StatusLine | None, doing: str) -> None:
        self._line = line
        self._doing = doing
        self._done = 0
        self._next = _STEP
        self.total = 0  # bytes, once they are known

    def add(self, size: int) -> None:
        """Count bytes that are done."""
        self._done += size
        if self._line and self._done >= self._next:
            self._next = self._done + _STEP
            of = f" of {self.total / 1e6:,.0f}" if self.total else ""
            self._line.show(f"{self._doing}: {self._done / 1e6:,.0f}{of} MB")
