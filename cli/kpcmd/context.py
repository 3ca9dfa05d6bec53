"""What kp reads from the machine: environment, user, clock, terminal, signals.

The only module that does. Everything below is told by arguments.
"""

import os
import platform
import pwd
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Final

from kpcmd.terminal.output import Output
from kpcmd.terminal.pager import Screen
from kpcmd.terminal.progress import StatusLine
from kpstore.errors import DiskFailure

DEFAULT_SITE: Final = Path("/var/lib/kp")
_NOBODY: Final = "4294967295"  # /proc/self/loginuid where nobody logged in
_DEFERRED: Final = (signal.SIGINT, signal.SIGTERM)


class Terminated(BaseException):
    """SIGTERM before the commit point: stop as Ctrl-C does, and clean up."""


@dataclass
class Signals:
    """SIGINT and SIGTERM: they stop kp up to the commit point, not after it."""

    _before: dict[int, Any] = field(default_factory=dict)

    def watch(self) -> None:
        """Make SIGTERM stop kp as politely as Ctrl-C does."""
        self._handle(signal.SIGTERM, _terminate)

    @contextmanager
    def shield(self) -> Iterator[None]:
        """Hold signals back from here to the end of the command.

        They stay held when the block ends: what was committed is also reported.
        """
        for number in _DEFERRED:
            self._handle(number, _finish_first)
        yield

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _handle(
        self, number: int, handler: Callable[[int, FrameType | None], None]
    ) -> None:
        with suppress(ValueError):  # not the main thread: no signals arrive here
            before = signal.signal(number, handler)
            self._before.setdefault(number, before)


@dataclass(frozen=True)
class World:
    """What the machine says; tests make one by hand.

    `site` is KP_SITE, `terminal` tells whether a person can be asked, `screen` is there
    when stdout is a terminal.
    """

    user: str
    host: str
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    site: Path | None = None
    editor: str = "vi"
    terminal: bool = False
    colour: bool = False
    screen: Screen | None = None
    signals: Signals = field(default_factory=Signals)

    @classmethod
    def of_process(cls) -> "World":
        """Read the process's own."""
        environ = os.environ
        site = environ.get("KP_SITE")
        return cls(
            user=_user(environ),
            host=platform.node() or "localhost",
            site=Path(site) if site else None,
            editor=environ.get("VISUAL") or environ.get("EDITOR") or "vi",
            terminal=_is_terminal(sys.stdin) and _is_terminal(sys.stderr),
            colour=_is_terminal(sys.stdout) and not environ.get("NO_COLOR"),
            screen=_screen(environ) if _is_terminal(sys.stdout) else None,
        )


@dataclass
class Done:
    """What is done and stays done, whatever goes wrong later: `status` tells of it.

    `document` and `lines` are the answer, unless it was given (`said`).
    """

    what: str
    status: int
    document: Any
    lines: Iterable[str]
    said: bool = False


@dataclass
class Session:
    """One run of kp: what the machine says and the options that many verbs share.

    `done` is set from the moment on when it can't be taken back.
    """

    world: World
    argv: Sequence[str]
    site: Path | None = None
    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    no_color: bool = False
    no_pager: bool = False
    without: Sequence[str] = ()
    along: Sequence[str] = ()
    unlock: bool = False
    weighed: set[str] | None = None  # of a dry run: what a store would have been given
    told: set[str] = field(default_factory=set)
    done: Done | None = None
    line: StatusLine = field(default_factory=StatusLine)

    @property
    def root(self) -> Path:
        """Return the site's directory: --site, KP_SITE, or the default."""
        return (self.site or self.world.site or DEFAULT_SITE).absolute()

    def say_once(self, text: str) -> None:
        """Say what one command may find out twice."""
        if text not in self.told:
            self.told.add(text)
            self.out.say(text)

    @property
    def out(self) -> Output:
        """Return where this run prints."""
        return Output(
            as_json=self.as_json,
            quiet=self.quiet,
            verbose=self.verbose,
            colour=self.world.colour and not self.no_color,
            screen=self._screen(),
            line=self.line,
        )

    def _screen(self) -> Screen | None:
        screen = self.world.screen
        return screen._replace(pager=()) if screen and self.no_pager else screen

    def finish(self, done: Done) -> int:
        """Answer what was done and return its status, whether it can be said or not."""
        self.done = done
        if not done.said:
            done.said = True
            try:
                self.out.answer(done.document, done.lines)
            except DiskFailure as error:
                self.out.warn(f"{done.what}; {error.message}")
        return done.status


def _user(environ: Mapping[str, str]) -> str:
    """Return the person: KP_USER, SUDO_USER, the login uid, the process's user."""
    named = environ.get("KP_USER") or environ.get("SUDO_USER")
    if named:
        return named
    return _name_of(_login_uid()) or _name_of(os.getuid()) or str(os.getuid())


def _login_uid() -> int | None:
    """Return who logged in, which neither su nor sudo changes (Linux audit)."""
    try:
        text = Path("/proc/self/loginuid").read_text("ascii").strip()
        return None if text == _NOBODY else int(text)
    except (OSError, ValueError):
        return None


def _name_of(uid: int | None) -> str:
    try:
        return "" if uid is None else pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _screen(environ: Mapping[str, str]) -> Screen:
    size = shutil.get_terminal_size()
    return Screen(size.columns, size.lines, _pager(environ))


def _pager(environ: Mapping[str, str]) -> Sequence[str]:
    """Return the words of KP_PAGER, PAGER or less; none for cat, or where it isn't.

    Unless LESS says otherwise, less is asked for what git asks of it: to end at once
    where all fits, show colours, and leave the text on the screen.
    """
    text = environ.get("KP_PAGER", environ.get("PAGER", "less"))
    try:
        words = shlex.split(text)
    except ValueError:  # a quote without its like
        return ()
    if not words or words[0] == "cat" or not shutil.which(words[0]):
        return ()
    return words if "LESS" in environ else ("env", "LESS=FRX", *words)


def _is_terminal(stream: Any) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise Terminated


def _finish_first(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the change is committed, and the targets are to follow it."""
