"""A terminal, and the pager for what is longer than it."""

import signal
import subprocess  # noqa: TID251  # the pager is the person's own choice
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple


class Screen(NamedTuple):
    """The terminal that stdout is, and the words of a pager, if one is wanted."""

    width: int
    height: int
    pager: Sequence[str] = ()


def paged(screen: Screen, text: str) -> bool:
    """Show a text that is longer than the screen; False where no pager did.

    Whoever leaves it early had enough: no error.
    """
    if not screen.pager or text.count("\n") < screen.height:
        return False
    try:
        reader = subprocess.Popen(screen.pager, stdin=subprocess.PIPE)
    except OSError:  # it isn't there: then without
        return False
    with _left_to_it():
        reader.communicate(text.encode("utf-8", "backslashreplace"))
    return True


@contextmanager
def _left_to_it() -> Iterator[None]:
    """Have Ctrl-C reach the pager alone, which both are told of."""
    before = None
    with suppress(ValueError):  # not the main thread: no signals arrive here
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
