"""Stories of kp for the crash harnesses: what is interrupted, and what must hold.

Each operation acks `committed COMMIT` where kp reported success, and `refused ...`
where it raised a KpError; any other exception is a finding of the harness.
The check asks: as found, is history whole and does every node get exactly one
recorded commit's files? Is main where the acks say? Does the next command work, and
does it leave nothing behind?
"""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from kpstore.errors import KpError
from kpstore.outcome import Outcome
from kpstore.picker import KernelPicker
from support import bootcheck
from support.crash.script import Ack, Script
from support.sites import SmallSite, Step, make, small_edit

BASE = "base"  # a file: main before the operation

Setup = Callable[[Path], SmallSite]


def story(name: str, setup: Setup, *steps: Step, day: float = 0) -> Script:
    """Take the steps, each a commit, on the site that `setup` makes."""

    def prepare(where: Path) -> None:
        site = setup(where)
        (where / BASE).write_text(site.picker().site.tip())

    def operation(where: Path, ack: Ack) -> None:
        picker = SmallSite(where, day=day).picker()
        for step in steps:
            take(picker, step, ack)

    def check(where: Path, acks: list[str]) -> list[str]:
        return checked(SmallSite(where, day=day), acks)

    return Script(name, prepare, operation, check, (KpError,))


def take(picker: KernelPicker, step: Step, ack: Ack) -> None:
    """Take one step, and ack what a user is told."""
    try:
        outcome = step(picker)
    except KpError as error:
        ack(f"refused {error}"[:200])
        raise
    if outcome.commit:
        ack(f"committed {outcome.commit}")


def after(*steps: Step) -> Setup:
    """Return a setup that makes a site and takes steps."""
    return lambda where: make(where, *steps)


def checked(site: SmallSite, acks: list[str]) -> list[str]:
    """Say what is bad: as found, then after the next command."""
    wrong = bootcheck.as_found(site, acks)
    wrong += exactness(site, acks)
    try:
        small_edit(site.picker())
    except KpError as error:
        return [*wrong, f"the next command: {type(error).__name__}: {error}"]
    return wrong + bootcheck.clean(site, fsck=sampled())


def exactness(site: SmallSite, acks: list[str]) -> list[str]:
    """Main moved exactly when that was reported; a killed process may not say it."""
    if not acks or not acks[-1].startswith("refused"):
        return []
    told = [(site.where / BASE).read_text(), *bootcheck.committed(acks)]
    if site.picker().site.tip() != told[-1]:
        return ["refused, and yet main moved"]
    return []


_turns = cycle([True, *[False] * 6])


def sampled() -> bool:
    """Tell whether it is this check's turn to run `git fsck`."""
    return next(_turns)


def ignored(work: Callable[[KernelPicker], object]) -> Step:
    """Make a step of something that commits nothing."""

    def step(picker: KernelPicker) -> Outcome:
        work(picker)
        return Outcome("", "")

    return step
