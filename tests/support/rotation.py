"""Which part of a long sweep a run goes through: another one every day.

A sweep has too many points for every run. A run takes every n-th, and its seed says
with which one it begins; seeds that follow each other begin with the next one, so that
n of them are the whole sweep. The seed is the day's number unless `--seed` gives
another; it is told at the end of a run. `--full` takes every point.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

OneIn = Callable[[int], slice]


def today() -> int:
    """The days since 1970, in UTC: the seed of a run that was given none."""
    return int(time.time()) // 86400


@dataclass(frozen=True)
class Rotation:
    """The seed of a run, and whether it goes through all there is."""

    seed: int
    full: bool = False

    def one_in(self, count: int) -> slice:
        """Every `count`-th of a list, or all of it."""
        step = 1 if self.full else count
        return slice(self.seed % step, None, step)

    def __str__(self) -> str:
        part = " --full" if self.full else ""
        return f'seed {self.seed}; the same again: ARGS="--seed {self.seed}{part}"'
