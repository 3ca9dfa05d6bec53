"""The faults that the sweep injects at a system call."""

import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from support.crash.syscalls import Call
from support.crash.tracer import Answer, Change, Kill, Signal, Verdict

_WRITE = 1
_VECTORS = {"pwritev", "pwritev2"}  # can't be shortened without touching memory
_ALLOCATING = frozenset({"write", "copy", "resize", "move", "make", "sync", "open"})


@dataclass(frozen=True)
class Point:
    """A place to inject: what the call was in the undisturbed run.

    `stop` is its number among all the calls that a visitor saw there.
    """

    name: str
    family: str
    text: str
    bytes: int = 0
    creates: bool = False
    stop: int = 0


@dataclass(frozen=True)
class Fault:
    """Something that happens to a call of one of `families` (None: of any)."""

    name: str
    number: int = 0
    families: frozenset[str] | None = None
    forever: bool = False

    def applies(self, point: Point) -> bool:
        """Whether a real machine could do this to that call."""
        if self.families is not None and point.family not in self.families:
            return False
        if self.number == errno.ENOSPC and point.family == "open":
            return point.creates
        return self is not SHORT or (point.bytes > 1 and point.name not in _VECTORS)

    def verdict(self, call: Call) -> Verdict:
        """Do it."""
        if self is KILL:
            return Kill()
        if self is SHORT:
            return _halved(call)
        if self in SIGNALS:
            return Signal(self.number)
        return Answer(-self.number)


def failing(number: int, *, forever: bool = False) -> Fault:
    """The call fails with errno `number`; `forever`: so do all later ones like it."""
    families = _FAMILIES.get(number)
    name = errno.errorcode[number] + (" for ever" if forever else "")
    return Fault(name, number, families, forever)


_FAMILIES = {
    errno.ENOSPC: _ALLOCATING,
    errno.EDQUOT: _ALLOCATING,
    errno.EMFILE: frozenset({"open", "read"}),
}

KILL = Fault("kill")
SIGNALS = (
    Fault("Ctrl-C", signal.SIGINT),
    Fault("SIGTERM", signal.SIGTERM),
)
SHORT = Fault("short write", families=frozenset({"write", "copy"}))
_NUMBERS = (errno.EIO, errno.ENOSPC, errno.EROFS, errno.EMFILE)
ERRORS = (
    *(failing(number) for number in _NUMBERS),
    *(failing(number, forever=True) for number in _NUMBERS),
    SHORT,
)
EVERY = (KILL, *ERRORS)


def as_point(call: Call, root: Path) -> Point | None:
    """Describe a call; None when it is about no file (a pipe, a terminal, stdout)."""
    places = call.places()
    if call.spec.fds and call.fd(call.spec.fds[0]) in (0, 1, 2):
        return None
    if places and not any(_is_file(place) for place in places):
        return None
    shown = ", ".join(short(place, root) for place in places)
    creates = call.spec.family == "open" and bool(call.open_flags() & os.O_CREAT)
    text = f"{call.spec.name}({shown})"
    return Point(call.spec.name, call.spec.family, text, _bytes(call), creates)


def short(text: str, root: Path) -> str:
    """The same text for every worker: paths relative to the directory."""
    return text.replace(f"{root}/", "").replace(str(root), ".")


def _is_file(place: str) -> bool:
    if place.startswith("/dev/"):
        return place.startswith("/dev/shm/")
    return place.startswith("/") and not place.startswith("/proc/")


def _bytes(call: Call) -> int:
    """How many bytes the call can move at most."""
    if call.spec.name in {"writev", "pwritev", "pwritev2"}:
        return _vector(call)[1]
    if call.spec.length is None:
        return 0
    asked = call.args[call.spec.length]
    if call.spec.family != "copy":
        return asked
    return min(asked, os.stat(call.fd_link(call.spec.fds[1])).st_size)


def _vector(call: Call) -> tuple[int, int]:
    """Address and length of the first part of a vectored write."""
    raw = call.memory(call.args[1], 16)
    return int.from_bytes(raw[:8], "little"), int.from_bytes(raw[8:], "little")


def _halved(call: Call) -> Verdict:
    half = _bytes(call) // 2
    if call.spec.name == "writev":
        return Change(_WRITE, (call.args[0], _vector(call)[0], half, 0, 0, 0))
    if call.spec.length is None or half == 0:
        return Change(call.spec.nr, call.args)
    args = list(call.args)
    args[call.spec.length] = half
    return Change(call.spec.nr, tuple(args))
