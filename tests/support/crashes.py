"""kp for the crash harnesses: a story that is interrupted, and what must hold then.

An operation acks `committed COMMIT` where kp reported success, and `refused ...`
where it raised a KpError; any other exception is a finding of the harness.
The check asks: as found, is history whole and does every node get exactly one
recorded commit's files? Is main where the acks say? Does the next command work, and
does it leave everything at main and nothing behind?
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from kpstore.errors import KpError
from kpstore.history.git import refs
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from kpstore.picker import KernelPicker
from kpstore.site import opened
from support import bootcheck
from support.crash.script import Ack, Script
from support.crash.seeded import bug, together
from support.sites import SmallSite, Step, make, small_edit

BASE = "base"  # a file: main before the operation

Setup = Callable[[Path], SmallSite]


@dataclass
class Check:
    """The check of a story; a thorough one, which is dear, comes every `every`-th time.

    Thorough: the next command is a commit, and every byte and git itself are asked.
    Else it is `kp publish`, which only finishes what the crash left. `day` is when it
    is given.
    """

    day: float = 0
    every: int = 1
    turns: Iterator[int] = field(default_factory=count)

    def __call__(self, where: Path, acks: list[str]) -> list[str]:
        """Say what is bad: as found, then after the next command."""
        site, turn = SmallSite(where, day=self.day), next(self.turns)
        before = (where / BASE).read_text()
        wrong = bootcheck.as_found(site, acks, before=before)
        wrong += exactness(before, site, acks)
        try:
            thorough = turn % self.every == 0 or is_empty(site)
            if thorough:
                small_edit(site.picker())
            else:
                publish(site.picker())
        except KpError as error:
            return [*wrong, f"the next command: {type(error).__name__}: {error}"]
        fsck = turn % (4 * self.every) == 0
        return wrong + bootcheck.clean(site, deep=thorough, fsck=fsck)


def publish(picker: KernelPicker) -> None:
    """Bring targets to main, and repair what others changed."""
    picker.publish()


def is_empty(site: SmallSite) -> bool:
    """Tell whether nothing is committed yet: targets are still unknown then."""
    return not State(site.picker().site.main()).names("image")


def exactness(before: str, site: SmallSite, acks: list[str]) -> list[str]:
    """Main moved exactly when that was reported; who is killed may not say it."""
    if not acks or not acks[-1].startswith("refused"):
        return []
    told = [before, *bootcheck.committed(acks)]
    return ["refused, and yet main moved"] if told[-1] != main_of(site) else []


def main_of(site: SmallSite) -> str:
    """Return main's commit."""
    return site.picker().site.tip()


def story(name: str, setup: Setup, *steps: Step, day: float = 0) -> Script:
    """Take the steps, each a commit, on the site that `setup` makes."""

    def prepare(where: Path) -> None:
        site = setup(where)
        (where / BASE).write_text(main_of(site))

    def operation(where: Path, ack: Ack) -> None:
        picker = SmallSite(where, day=day).picker()
        for step in steps:
            take(picker, step, ack)

    return Script(name, prepare, operation, Check(day), (KpError,))


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


def ignored(work: Callable[[KernelPicker], object]) -> Step:
    """Make a step of something that commits nothing."""

    def step(picker: KernelPicker) -> Outcome:
        work(picker)
        return Outcome("", "")

    return step


def sparing(script: Script, every: int) -> Script:
    """The same story, with a thorough check every `every`-th time only."""
    assert isinstance(script.check, Check)
    return replace(script, check=replace(script.check, every=every))


def _other_boot() -> str:
    return "0123456789abcdef"


_next_boot = together(bug(refs, boot_id=_other_boot), bug(opened, boot_id=_other_boot))


def rebooted(script: Script) -> Script:
    """The same story, whose check comes after the next start of the machine."""

    def check(where: Path, acks: list[str]) -> list[str]:
        with _next_boot():
            return script.check(where, acks)

    return replace(script, check=check)
