"""The only module that prints: data to stdout, narration to stderr.

With --json stdout carries one document and nothing else. What comes from outside is
made visible here (`terminal.escape`), whoever says it.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from kpcmd.terminal.escape import ascii_json, visible, visible_json
from kpcmd.terminal.pager import Screen, paged
from kpcmd.terminal.progress import Amount, StatusLine
from kpcmd.terminal.stream import has_every_letter, write
from kpcmd.terminal.table import lined_up
from kpstore.errors import DiskFailure

_COLOURS: Final = {
    "live": 32,
    "good": 32,
    "lagging": 33,
    "on hold": 33,
    "absent": 31,
    "ahead": 31,
    "bad": 31,
}
_INDENT: Final = "  "  # of a message's further lines: none begins like one of kp's


@dataclass(frozen=True)
class Output:
    """Where one run of kp prints, and how; `screen`: the terminal that stdout is."""

    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    colour: bool = False
    screen: Screen | None = None
    line: StatusLine = field(default_factory=StatusLine)

    def answer(self, document: Any, lines: Iterable[str]) -> None:
        """Print what was asked for: the document with --json, else the lines.

        DiskFailure when stdout can't be written.
        """
        if self.as_json:
            self.document(document)
        else:
            text = "".join(f"{line}\n" for line in self._visible(lines))
            self.line.clear()
            if not (self.screen and paged(self.screen, text)):
                self.text(text)

    def columns(
        self, header: Sequence[str], rows: Iterable[Sequence[str]]
    ) -> list[str]:
        """Line up rows below a header, as wide as the terminal if stdout is one."""
        return lined_up(header, rows, self.screen.width if self.screen else 0)

    def document(self, document: Any) -> None:
        """Print a JSON document, --json or not; see `answer`."""
        text = _json(document)
        whole = has_every_letter(sys.stdout)
        self.text(f"{text if whole else ascii_json(text)}\n")

    def text(self, text: str) -> None:
        """Print text for a machine or a pager, --json or not; see `answer`."""
        self.line.clear()
        try:
            write(sys.stdout, text)
        except OSError as error:
            raise DiskFailure(
                f"stdout can't be written: {error.strerror or error}",
                hint="the answer is lost: look where stdout leads, then ask again",
            ) from None

    def say(self, text: str) -> None:
        """Tell a person what is going on; not with -q."""
        if not self.quiet:
            self._err(text)

    def detail(self, text: str) -> None:
        """Tell a person who asked for more, by -v."""
        if self.verbose:
            self._err(text)

    def warn(self, text: str) -> None:
        """Tell a person what is amiss, -q or not."""
        self._err(f"warning: {text}")

    def fail(self, document: Any, message: str, hint: str) -> None:
        """Print an error: the document with --json, the message to stderr."""
        if self.as_json:
            with suppress(DiskFailure):  # it may be the very error to be told
                self.answer(document, ())
        self._err(f"kp: {message}")
        if hint:
            self._err(f"hint: {hint}")

    def paint(self, word: str) -> str:
        """Colour a state or a verdict, where that is wanted."""
        return _painted(word) if self.colour and word in _COLOURS else word

    def doing(self, what: str) -> None:
        """Show on a terminal what is being done, until something else is said."""
        if self._shows_progress:
            self.line.show(visible(what))

    @contextmanager
    def progress(self, doing: str) -> Iterator[Amount]:
        """Show on a terminal how long work goes on; tell it how many bytes are done."""
        self.doing(doing)
        shown = self.line if self._shows_progress else None
        yield Amount(shown, visible(doing))
        self.line.clear()

    @property
    def _shows_progress(self) -> bool:
        wanted = not (self.quiet or self.as_json)
        return wanted and bool(sys.stderr) and sys.stderr.isatty()

    def _visible(self, lines: Iterable[str]) -> Iterable[str]:
        """Write out what would not be seen, but for what `paint` writes."""
        whole = list(lines)
        if all(map(str.isprintable, whole)):  # no Python runs for each of 100,000
            return whole
        kept = _PAINTED if self.colour else None
        return [visible(line, kept) for line in whole]

    def plain(self, text: str) -> None:
        """Print to stderr what keeps its lines as they are."""
        self.line.clear()
        with suppress(OSError):
            write(sys.stderr, "".join(f"{visible(x)}\n" for x in text.splitlines()))

    def _err(self, text: str) -> None:
        """Print to stderr, line by line; where that can't be, nobody can be told."""
        self.line.clear()
        lines = f"\n{_INDENT}".join(map(visible, text.split("\n")))
        with suppress(OSError):
            write(sys.stderr, f"{lines}\n")


def _painted(word: str) -> str:
    return f"\x1b[{_COLOURS[word]}m{word}\x1b[0m"


# What looks like it and comes from outside may stay: it says one of these words.
_PAINTED: Final = re.compile(f"({'|'.join(re.escape(_painted(w)) for w in _COLOURS)})")


def _json(document: Any) -> str:
    """Write a document; a list as one element a line, which is fast and greps well."""
    if not isinstance(document, list):
        return visible_json(json.dumps(document, indent=2, ensure_ascii=False))
    lines = list(map(json.JSONEncoder(ensure_ascii=False).encode, document))
    if not all(map(str.isprintable, lines)):
        lines = list(map(visible_json, lines))
    return "[\n" + ",\n".join(lines) + "\n]" if document else "[]"
