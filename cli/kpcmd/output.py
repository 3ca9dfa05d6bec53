"""The only module that prints: data to stdout, narration to stderr.

With --json stdout carries one document and nothing else.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TextIO

_COLOURS: Final = {
    "live": 32,
    "good": 32,
    "lagging": 33,
    "on hold": 33,
    "absent": 31,
    "ahead": 31,
    "bad": 31,
}
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Output:
    """Where one run of kp prints, and how."""

    as_json: bool = False
    quiet: bool = False
    verbose: int = 0
    colour: bool = False

    def answer(self, document: Any, lines: Iterable[str]) -> None:
        """Print what was asked for: the document with --json, else the lines."""
        if self.as_json:
            text = json.dumps(document, indent=2, ensure_ascii=False)
            _write(sys.stdout, f"{text}\n")
        else:
            _write(sys.stdout, "".join(f"{line}\n" for line in lines))

    def text(self, text: str) -> None:
        """Print text for a machine or a pager, --json or not."""
        _write(sys.stdout, text)

    def say(self, text: str) -> None:
        """Tell a person what is going on; not with -q."""
        if not self.quiet:
            _write(sys.stderr, f"{text}\n")

    def detail(self, text: str) -> None:
        """Tell a person who asked for more, by -v."""
        if self.verbose:
            _write(sys.stderr, f"{text}\n")

    def warn(self, text: str) -> None:
        """Tell a person what is amiss, -q or not."""
        _write(sys.stderr, f"warning: {text}\n")

    def fail(self, document: Any, message: str, hint: str) -> None:
        """Print an error: the document with --json, the message to stderr."""
        if self.as_json:
            self.answer(document, ())
        _write(sys.stderr, f"kp: {message}\n")
        if hint:
            _write(sys.stderr, f"hint: {hint}\n")

    def paint(self, word: str) -> str:
        """Colour a state or a verdict, where that is wanted."""
        code = _COLOURS.get(word)
        return f"\x1b[{code}m{word}\x1b[0m" if code and self.colour else word

    @contextmanager
    def progress(self, doing: str, total: int | None = None) -> Iterator[Progress]:
        """Show a bar on a terminal while long work goes on; tell it each step's size.

        rich is imported here: only long work needs it, and it takes 50 ms.
        """
        if self.quiet or not (sys.stderr and sys.stderr.isatty()):
            yield lambda _: None
            return
        from rich.console import Console  # noqa: PLC0415
        from rich.progress import Progress as Bars  # noqa: PLC0415

        with Bars(console=Console(stderr=True), transient=True) as bars:
            task = bars.add_task(doing, total=total)
            yield lambda step: bars.update(task, advance=step)


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Line up rows below a header; the last column is as long as it is."""
    whole = [header, *rows]
    if len(whole) == 1:
        return []
    widths = [max(len(_plain(row[at])) for row in whole) for at in range(len(header))]
    return [
        "  ".join(
            cell + " " * (width - len(_plain(cell)))
            for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in whole
    ]


def _plain(cell: str) -> str:
    """Return a cell without its colour."""
    if not cell.startswith("\x1b"):
        return cell
    return cell[cell.index("m") + 1 : -len("\x1b[0m")]


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
