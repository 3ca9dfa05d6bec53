"""The system call sweep: stop a script at its n-th mutating call, for every n.

Proves: killed before any system call that changes a file, or told by the kernel that
one failed (once or from then on) or was short, the script leaves nothing that its
check calls bad. Acks are exact: a killed run has acked what it has acked.
Does not prove: anything about power loss (see powerloss.py, ext4.py: after a kill
the page cache survives), about kills between two calls (nothing visible changes
there), or about orders of calls that another scheduling of threads would give.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.crash.child import Ending, SharedLog
from support.crash.faults import EVERY, Fault, Point, as_point
from support.crash.parallel import in_processes
from support.crash.report import Finding, Report, merged
from support.crash.script import WHOLE, Script
from support.crash.syscalls import CHANGING, READING, Call, Spec
from support.crash.tracer import PROCEED, Tracer, Verdict, Visitor
from support.crash.trees import capture, restore, scratch


class BrokenScriptError(AssertionError):
    """The script is bad when nothing disturbs it: a sweep would prove nothing."""


@dataclass
class Stage:
    """A directory in which a script runs again and again from the same start."""

    script: Script
    root: Path
    reads: bool = False
    acks: SharedLog = field(default_factory=SharedLog)

    def __post_init__(self) -> None:
        self.root.mkdir()
        self.script.setup(self.root)
        self.pristine = capture(self.root)

    def run(self, visitor: Visitor) -> Ending:
        """Restore the start, then run the operation under `visitor`."""
        restore(self.pristine, self.root)
        return self.trace(visitor, READING if self.reads else CHANGING)

    def trace(self, visitor: Visitor, specs: tuple[Spec, ...]) -> Ending:
        """Run the operation on the directory as it is."""
        self.acks.clear()
        return Tracer(self.script.job(self.root, self.acks), visitor, specs).run()

    def wrong(self, ending: Ending) -> list[str]:
        """What the check says about the last run."""
        return self.script.verdict(self.root, self.acks.texts(), ending)

    def demand_clean(self, ending: Ending) -> None:
        """Raise BrokenScriptError if the last run, which nothing disturbed, was bad."""
        wrong = self.wrong(ending)
        if ending.kind != "done" or wrong:
            raise BrokenScriptError(
                f"{self.script.name}, undisturbed: {ending} {wrong}"
            )

    def points(self) -> list[Point]:
        """The points of an undisturbed run, which must be flawless."""
        counter = Counter(self.root, only_below=self.reads)
        self.demand_clean(self.run(counter))
        return counter.points


@dataclass
class Counter:
    """A visitor that only lists the points; `only_below`: those in the root."""

    root: Path
    only_below: bool = False
    points: list[Point] = field(default_factory=list)
    seen: int = 0

    def enter(self, call: Call) -> Verdict:
        """Note the call."""
        if point := self.as_point(call):
            self.points.append(replace(point, stop=self.seen))
        self.seen += 1
        return PROCEED

    def leave(self, call: Call, result: int) -> None:
        """Nothing is watched."""

    def as_point(self, call: Call) -> Point | None:
        """The call as a point, or None when it doesn't count."""
        if self.only_below and not self._is_below(call):
            return None
        return as_point(call, self.root)

    def _is_below(self, call: Call) -> bool:
        return any(place.startswith(f"{self.root}/") for place in call.places())


@dataclass
class Injector(Counter):
    """A visitor that injects `fault` at the call number `stop`.

    The calls before it are counted, not looked at: that is half the tracer's time.
    """

    fault: Fault = EVERY[0]
    stop: int = 0

    def enter(self, call: Call) -> Verdict:
        """Count the call; disturb it if its turn has come."""
        here = self.seen
        self.seen += 1
        if here == self.stop or (self.fault.forever and here > self.stop):
            point = self.as_point(call)
            if point and self.fault.applies(point):
                return self.fault.verdict(call)
        return PROCEED

    @property
    def reached(self) -> bool:
        """Whether the run came as far as the call."""
        return self.seen > self.stop


def list_points(script: Script, *, reads: bool = False) -> list[Point]:
    """The points of a script: what `sweep` would disturb."""
    with scratch() as where:
        return Stage(script, where / "site", reads).points()


def sweep(
    script: Script,
    faults: Sequence[Fault] = EVERY,
    *,
    part: slice = WHOLE,
    workers: int = 2,
    reads: bool = False,
    where: str = "",
    until_bad: bool = False,
) -> Report:
    """Inject each fault at each point where it is possible; `part`: of all those.

    With `reads` the points are the calls that read below the directory instead.
    `where`: only at calls whose text this regular expression finds. `until_bad`:
    stop at the first run that is bad. Raises BrokenScriptError when the undisturbed
    run is not clean.
    """

    def share(number: int) -> Report:
        with scratch() as place:
            stage = Stage(script, place / "site", reads)
            points = stage.points()
            jobs = [
                (fault, index)
                for fault in faults
                for index, point in enumerate(points)
                if fault.applies(point) and re.search(where, point.text)
            ]
            jobs = jobs[part][number::workers]
            return _sweep(stage, points, jobs, until_bad=until_bad)

    start = time.monotonic()
    parts = in_processes(workers, share)
    return merged(f"sweep {script.name}", parts, time.monotonic() - start)


def _sweep(
    stage: Stage,
    points: list[Point],
    jobs: Sequence[tuple[Fault, int]],
    *,
    until_bad: bool,
) -> Report:
    report = Report(stage.script.name, points=len(points))
    for fault, index in jobs:
        if until_bad and report.findings:
            break
        report.runs += 1
        visitor = Injector(
            stage.root, stage.reads, fault=fault, stop=points[index].stop
        )
        wrong = stage.wrong(stage.run(visitor))
        report.unreached += not visitor.reached
        call = points[index].text
        report.findings += [Finding(fault.name, index, call, each) for each in wrong]
    return report
