"""Timing: medians of interleaved runs, and the table of ratios."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


def seconds(run: Callable[[], object]) -> float:
    """Return how long one run takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def medians(runs: dict[str, Callable[[int], object]], times: int) -> dict[str, float]:
    """Run all of them in turn, `times` times; return each one's median in seconds.

    Before each the disk is settled: no flush pays for what another left unwritten.
    """
    found: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(times):
        for name, run in runs.items():
            os.sync()
            found[name].append(seconds(lambda run=run, turn=turn: run(turn)))
    return {name: statistics.median(times) for name, times in found.items()}


@dataclass
class Table:
    """Rows of what was measured, its bound, and whether it holds."""

    rows: list[tuple[str, str, str, bool]] = field(default_factory=list)

    def at_most(self, what: str, value: float, bound: float, unit: str = "x") -> None:
        """Add a row whose value must not exceed the bound."""
        row = (what, f"{value:.3g}{unit}", f"<= {bound:g}{unit}", value <= bound)
        self._add(row)

    def at_least(self, what: str, value: float, bound: float, unit: str = "x") -> None:
        """Add a row whose value must reach the bound."""
        row = (what, f"{value:.3g}{unit}", f">= {bound:g}{unit}", value >= bound)
        self._add(row)

    def note(self, what: str, text: str) -> None:
        """Add a figure that has no bound."""
        self._add((what, text, "", True))

    def _add(self, row: tuple[str, str, str, bool]) -> None:
        self.rows.append(row)
        what, value, bound, holds = row
        print(f"{'  ' if holds else '! '}{what}: {value} {bound}", flush=True)

    def markdown(self) -> str:
        """Return the table as docs/performance.md has it."""
        lines = ["| what | measured | bound | holds |", "|---|---|---|---|"]
        for what, value, bound, holds in self.rows:
            said = ("yes" if holds else "**no**") if bound else ""
            lines.append(f"| {what} | {value} | {bound} | {said} |")
        return "\n".join(lines)


@contextmanager
def section(title: str) -> Iterator[None]:
    """Say what is measured now."""
    print(f"\n{title}", flush=True)
    yield
