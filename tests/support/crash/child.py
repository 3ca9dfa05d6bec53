"""A function run in a forked child, and what the child leaves in shared memory.

Acknowledgements go through shared memory, so that a child killed at any instruction
has told exactly what it told: a pipe or a file would add system calls of its own.
"""

import contextlib
import json
import mmap
import os
import signal
import struct
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

_HEAD = struct.Struct("<QQ")  # entries, bytes used
_LONGEST = 2000  # characters of an error that are kept

Kind = Literal["done", "refused", "crashed", "killed", "hung"]
Work = Callable[[], None]


class SharedLog:
    """Texts in memory shared by parent and children; one writer at a time."""

    def __init__(self, size: int = 1 << 20) -> None:
        self._memory = mmap.mmap(-1, size)

    def __len__(self) -> int:
        return int(_HEAD.unpack_from(self._memory)[0])

    def add(self, text: str) -> None:
        """Append `text`; it counts once its bytes are complete."""
        count, used = _HEAD.unpack_from(self._memory)
        data = json.dumps(text).encode() + b"\n"
        start = _HEAD.size + used
        self._memory[start : start + len(data)] = data
        _HEAD.pack_into(self._memory, 0, count + 1, used + len(data))

    def texts(self) -> list[str]:
        """All texts, oldest first."""
        _, used = _HEAD.unpack_from(self._memory)
        lines = self._memory[_HEAD.size : _HEAD.size + used].splitlines()
        return [json.loads(line) for line in lines]

    def clear(self) -> None:
        """Forget everything."""
        _HEAD.pack_into(self._memory, 0, 0, 0)


def fork() -> int:
    """os.fork, without Python's warning about threads (pytest-xdist has some).

    Our children never wait for a lock that such a thread may hold: they run the
    script's code and end by os._exit.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    done: returned; refused: raised an expected error; crashed: raised another one
    or died by a signal that nobody sent; killed: by us; hung: its time ran out.
    """

    kind: Kind
    detail: str = ""


@dataclass
class Job:
    """What a child does: `work`, within `limit` seconds."""

    work: Work
    expected: tuple[type[BaseException], ...] = ()
    limit: int = 120

    def __post_init__(self) -> None:
        self._result = SharedLog(1 << 16)

    def fork(self, around: Callable[[Work], None] = lambda work: work()) -> int:
        """Start the child; in it, `around` is called with the work."""
        self._result.clear()
        pid = fork()
        if pid == 0:
            self._live(around)
        return pid

    def _live(self, around: Callable[[Work], None]) -> NoReturn:
        try:
            self._settle_in()
            self._result.add(self._outcome(around))
        finally:
            os._exit(0)

    def _settle_in(self) -> None:
        os.setpgid(0, 0)
        sys.dont_write_bytecode = True
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(self.limit)
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(null, fd)
        sys.stdout = sys.stderr = os.fdopen(null, "w")  # not pytest's capture file

    def _outcome(self, around: Callable[[Work], None]) -> str:
        try:
            around(self.work)
        except self.expected as error:
            return f"refused {type(error).__name__}: {error}"[:_LONGEST]
        except BaseException as error:  # the harness reports it as a finding
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(place.filename)}:{place.lineno}"
            return f"crashed {type(error).__name__} at {where}: {error}"[:_LONGEST]
        return "done"

    def ending(self, status: int, *, killed: bool = False) -> Ending:
        """Read the end of the child from its wait status and from what it said."""
        if killed:
            return Ending("killed")
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            if number == signal.SIGTERM:  # nobody but the sweep sends it
                return Ending("killed")
            if number == signal.SIGALRM:
                return Ending("hung", f"no end after {self.limit} s")
            return Ending("crashed", f"died of {signal.Signals(number).name}")
        said = self._result.texts()
        if not said:
            return Ending("crashed", "the child ended without a word")
        kind, _, detail = said[0].partition(" ")
        return Ending(_KINDS[kind], detail)

    def run(self) -> Ending:
        """Run the work in a child, untraced, and wait for its end."""
        pid = self.fork()
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        return self.ending(status)


_KINDS: dict[str, Kind] = {"done": "done", "refused": "refused", "crashed": "crashed"}
