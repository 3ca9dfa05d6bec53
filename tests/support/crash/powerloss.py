"""Power loss in the strict POSIX model: every state that a cut may leave.

Proves: whichever of the changes not yet made durable (by fsync of the file, of the
directory, or syncfs) are on the disk after a cut, at any system call, the script's
check finds nothing bad. The model (diskmodel.py) is stricter than any one file
system, so it finds missing syncs that ext4 happens to forgive.
Does not prove: anything about a file system or a disk that breaks its promises; all
states when more than 8 independent changes are pending (then: none, all, each one
dropped, each one alone, each torn write, prefixes, and random ones from a fixed
seed); changes through shared maps (recorder.py refuses those); owners and times.
"""

import itertools
import math
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from support.crash.child import Ending
from support.crash.diskmodel import Disk, Mode, Pending
from support.crash.parallel import in_processes
from support.crash.recorder import NotModelledError, Recorder, Step, disk_of
from support.crash.report import Finding, Report, merged
from support.crash.script import WHOLE, Script
from support.crash.sweep import Stage
from support.crash.syscalls import CHANGING, UNMODELLED
from support.crash.trees import Tree, capture, restore, scratch

_EXHAUSTIVE = 2**8
_BLOCKS = 4  # per worker: neighbouring points share states, and fall to one worker
_CUT = Ending("killed")


@dataclass(frozen=True)
class Recording:
    """What a run did: the disk before it, each step, all its acks."""

    start: Disk
    steps: list[Step]
    acks: list[str]
    syncs: int
    ending: Ending

    def acks_at(self, point: int) -> list[str]:
        """The acks that may have been seen before step `point` reached the kernel."""
        if point == len(self.steps):
            return self.acks
        return self.acks[: self.steps[point].acks]

    def text_at(self, point: int) -> str:
        """Where a point is: after this call."""
        return f"after {self.steps[point - 1].text}" if point else "at the start"


def record(stage: Stage, failing_sync: int | None = None) -> Recording:
    """Run the script and record it; the replay is compared with the disk.

    Raises BrokenScriptError when a run without `failing_sync` is not clean, and
    NotModelledError when the model can't represent it or ends up elsewhere.
    """
    restore(stage.pristine, stage.root)
    start = disk_of(capture(stage.root))
    recorder = Recorder(stage.root, start, stage.acks, failing_sync=failing_sync)
    ending = stage.trace(recorder, CHANGING + UNMODELLED)
    if recorder.refusals:
        raise NotModelledError(f"{stage.script.name}: {recorder.refusals}")
    acks = stage.acks.texts()
    recording = Recording(start, recorder.steps, acks, recorder.syncs, ending)
    _compare(recording, capture(stage.root))
    if failing_sync is None:
        stage.demand_clean(ending)
    return recording


def _compare(recording: Recording, real: Tree) -> None:
    pending = Pending(recording.start, "strict")
    for step in recording.steps:
        pending.add(step.event)
    last = [options[-1] for options in pending.ranges]
    model = {p: (n.kind, n.mode, n.data) for p, n in pending.leave(last).tree().items()}
    there = {path: (n.kind, n.mode, n.data) for path, n in real.items()}
    if model != there:
        differing = sorted(p for p in model | there if model.get(p) != there.get(p))
        raise NotModelledError(
            f"the recording differs from the disk in {differing[:5]}"
        )


@dataclass
class Choices:
    """The states to examine at one point, as options of the pending changes."""

    pending: Pending
    samples: int
    seed: int
    _ranges: list[range] = field(init=False)

    def __post_init__(self) -> None:
        self._ranges = self.pending.ranges

    def all(self) -> Iterator[tuple[int, ...]]:
        """Every choice if they are few, else the telling ones."""
        chosen = self._every() if self._are_few() else self._telling()
        return (self._ordered(choice) for choice in chosen)

    def _are_few(self) -> bool:
        return math.prod(len(options) for options in self._ranges) <= _EXHAUSTIVE

    def _every(self) -> Iterator[tuple[int, ...]]:
        return itertools.product(*self._ranges)

    def _telling(self) -> Iterator[tuple[int, ...]]:
        none = tuple(options[0] for options in self._ranges)
        full = tuple(options[-1] for options in self._ranges)
        yield from (none, full)
        for index, options in enumerate(self._ranges):
            yield full[:index] + none[index:]
            for option in options:
                yield (*none[:index], option, *none[index + 1 :])
                yield (*full[:index], option, *full[index + 1 :])
        chance = random.Random(self.seed)
        for _ in range(self.samples):
            yield tuple(chance.choice(options) for options in self._ranges)

    def _ordered(self, choice: tuple[int, ...]) -> tuple[int, ...]:
        """In ordered mode, entries after the first that is missing are missing too."""
        ordered, missing = list(choice), False
        for index in self.pending.journalled:
            last = self._ranges[index][-1]
            missing = missing or choice[index] != last
            ordered[index] = self._ranges[index][0] if missing else last
        return tuple(ordered)


@dataclass
class Examiner:
    """Examines states of recordings; equal states are checked once."""

    stage: Stage
    mode: Mode
    samples: int
    until_bad: bool = False
    report: Report = field(init=False)
    _seen: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.report = Report(self.stage.script.name)

    def points(self, recording: Recording, wanted: set[int]) -> None:
        """Examine every state of the wanted points."""
        pending = Pending(recording.start, self.mode)
        for point in range(len(recording.steps) + 1):
            if point in wanted and not self.is_done:
                self._point(recording, point, pending)
            if point < len(recording.steps):
                pending.add(recording.steps[point].event)

    @property
    def is_done(self) -> bool:
        """Whether the first bad state was all that was asked for, and is found."""
        return self.until_bad and bool(self.report.findings)

    def last_point(self, recording: Recording) -> None:
        """Examine every state that a cut after the end of the run may leave."""
        self.points(recording, {len(recording.steps)})

    def _point(self, recording: Recording, point: int, pending: Pending) -> None:
        acks, text = recording.acks_at(point), recording.text_at(point)
        for choice in Choices(pending, self.samples, seed=point).all():
            if self.is_done:
                return
            tree = pending.leave(choice).tree()
            if self._is_new(tree, acks):
                self._check(tree, acks, point, text)

    def _is_new(self, tree: Tree, acks: list[str]) -> bool:
        facts = [(path, n.kind, n.mode, n.data) for path, n in tree.items()]
        key = hash((*acks, *facts))  # bytes remember their hash: most are unchanged
        if key in self._seen:
            return False
        self._seen.add(key)
        return True

    def _check(self, tree: Tree, acks: list[str], point: int, text: str) -> None:
        restore(tree, self.stage.root)
        wrong = self.stage.script.verdict(self.stage.root, acks, _CUT)
        state = f"power cut, state {self.report.runs}"
        self.report.runs += 1
        self.report.findings += [Finding(state, point, text, each) for each in wrong]


def _share(chosen: Sequence[int], number: int, workers: int) -> set[int]:
    """The points of worker `number`, in blocks of neighbours."""
    size = max(1, math.ceil(len(chosen) / (_BLOCKS * workers)))
    return {p for turn, p in enumerate(chosen) if turn // size % workers == number}


def examine(
    script: Script,
    mode: Mode = "strict",
    *,
    samples: int = 16,
    part: slice = WHOLE,
    workers: int = 2,
    where: str = "",
    until_bad: bool = False,
) -> Report:
    """Check every state that a power cut at each call may leave; `part`: of the calls.

    `samples` random states are added where there are too many to try all. `where`:
    only cuts after a call whose text this regular expression finds. `until_bad`: stop
    at the first state that is bad.
    """

    def share(number: int) -> Report:
        with scratch() as place:
            stage = Stage(script, place / "site")
            recording = record(stage)
            points = range(len(recording.steps) + 1)
            chosen = [p for p in points if re.search(where, recording.text_at(p))]
            examiner = Examiner(stage, mode, samples, until_bad)
            examiner.points(recording, _share(chosen[part], number, workers))
            return replace(examiner.report, points=len(points))

    start = time.monotonic()
    parts = in_processes(workers, share)
    return merged(f"power loss ({mode}) {script.name}", parts, time.monotonic() - start)
