"""The only module that prints: data to stdout, narration to stderr.

With --json stdout carries one document and nothing else.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TextIO

from kpcmd.progress import Amount, StatusLine

_COLOURS: Final = {
    "live": 32,
    "good": 32,
    "lagging": 33,
    "on hold": 33,
    "absent": 31,
    "ahead": 31,
    "bad": 31,
}
_COLOUR: Final = re.compile("\x1b\\[[0-9;]*m")
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Output:
    """Where one run of kp prints, and how."""

    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    colour: bool = False
    line: StatusLine = field(default_factory=StatusLine)

    def answer(self, document: Any, lines: Iterable[str]) -> None:
        """Print what was asked for: the document with --json, else the lines."""
        if self.as_json:
            self._write(sys.stdout, f"{_json(document)}\n")
        else:
            self._write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def text(self, text: str) -> None:
        """Print text for a machine or a pager, --json or not."""
        self._write(sys.stdout, text)

    def say(self, text: str) -> None:
        """Tell a person what is going on; not with -q."""
        if not self.quiet:
            self._write(sys.stderr, f"{text}\n")

    def detail(self, text: str) -> None:
        """Tell a person who asked for more, by -v."""
        if self.verbose:
            self._write(sys.stderr, f"{text}\n")

    def warn(self, text: str) -> None:
        """Tell a person what is amiss, -q or not."""
        self._write(sys.stderr, f"warning: {text}\n")

    def fail(self, document: Any, message: str, hint: str) -> None:
        """Print an error: the document with --json, the message to stderr."""
        if self.as_json:
            self.answer(document, ())
        self._write(sys.stderr, f"kp: {message}\n")
        if hint:
            self._write(sys.stderr, f"hint: {hint}\n")

    def paint(self, word: str) -> str:
        """Colour a state or a verdict, where that is wanted."""
        code = _COLOURS.get(word)
        return f"\x1b[{code}m{word}\x1b[0m" if code and self.colour else word

    def doing(self, what: str) -> None:
        """Show on a terminal what is being done, until something else is said."""
        if self._shows_progress:
            self.line.show(what)

    @contextmanager
    def progress(self, doing: str) -> Iterator[Progress]:
        """Show on a terminal how long work goes on; tell it how many bytes are done."""
        self.doing(doing)
        yield Amount(self.line, doing).add if self._shows_progress else lambda _: None
        self.line.clear()

    @property
    def _shows_progress(self) -> bool:
        wanted = not (self.quiet or self.as_json)
        return wanted and bool(sys.stderr) and sys.stderr.isatty()

    def _write(self, stream: TextIO, text: str) -> None:
        self.line.clear()
        _write(stream, text)


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Line up rows below a header; the last column is as long as it is."""
    whole = [tuple(header), *map(tuple, rows)]
    if len(whole) == 1:
        return []
    lines = _lined_up(whole)
    return _painted(whole) if any("\x1b" in line for line in lines) else lines


def _lined_up(rows: list[tuple[str, ...]]) -> list[str]:
    """Line up plain cells; for 100,000 rows, so no Python runs for each of them."""
    *widths, _ = _widths(rows)
    line = "".join(f"%-{width}s  " for width in widths) + "%s"
    return list(map(str.rstrip, map(line.__mod__, rows)))


def _painted(rows: list[tuple[str, ...]]) -> list[str]:
    """Line up cells of which some have a colour, which takes no room."""
    bare = [tuple(_COLOUR.sub("", cell) for cell in row) for row in rows]
    widths = _widths(bare)
    return [
        "  ".join(
            cell + " " * (width - len(plain))
            for cell, plain, width in zip(row, plain_row, widths, strict=True)
        ).rstrip()
        for row, plain_row in zip(rows, bare, strict=True)
    ]


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    return [max(map(len, map(itemgetter(at), rows))) for at in range(len(rows[0]))]


def _json(document: Any) -> str:
    """Write a document; a list as one element a line, which is fast and greps well."""
    if not isinstance(document, list):
        return json.dumps(document, indent=2, ensure_ascii=False)
    lines = map(json.JSONEncoder(ensure_ascii=False).encode, document)
    return "[\n" + ",\n".join(lines) + "\n]" if document else "[]"


def _write(stream: TextIO, text: str) -> None:
    """Write and flush; whoever reads may have gone (`kp log | head`)."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at exit: it shall find a place to.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
