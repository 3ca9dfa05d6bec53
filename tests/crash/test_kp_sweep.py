"""kp killed before, or refused by the disk at, every system call that changes a file.

Issue 2: at least 600 kills, 1,500 errors, none bad. `make test` takes a sample of the
points of every story, `make test-system` a larger one, `make test-system-full` all.
"""

import errno

import pytest

from support.crash import ptrace
from support.crash.faults import ERRORS, KILL, Fault, failing
from support.crash.report import Report
from support.crash.sweep import sweep
from support.crashes import sparing
from support.figures import Figure
from support.kpstories import STORIES
from support.rotation import OneIn

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)

KILLS = 600
REFUSALS = 12000
EDQUOT = failing(errno.EDQUOT)


def swept(
    name: str, faults: list[Fault], part: slice, *, every: int = 1, workers: int = 2
) -> Report:
    """Sweep one story; nothing may be bad."""
    script = sparing(STORIES[name], every)
    report = sweep(script, faults, part=part, workers=workers)
    print(report)
    assert report.bad == 0
    return report


@pytest.mark.parametrize("name", STORIES)
def test_killed_somewhere(name: str, figure: Figure, one_in: OneIn) -> None:
    figure(swept(name, [KILL], one_in(17), every=3, workers=1))


@pytest.mark.parametrize("name", STORIES)
def test_refused_somewhere(name: str, figure: Figure, one_in: OneIn) -> None:
    figure(swept(name, [*ERRORS, EDQUOT], one_in(101), every=3, workers=1))


@pytest.mark.system
def test_killed_anywhere(figure: Figure, one_in: OneIn) -> None:
    part = one_in(3)
    reports = [swept(name, [KILL], part, every=3) for name in STORIES]
    runs = sum(report.runs for report in reports)
    points = sum(report.points for report in reports)
    figure(f"kp killed at {runs} of {points} changing calls, 0 bad")
    assert runs >= KILLS // part.step


@pytest.mark.system
def test_refused_anywhere(figure: Figure, one_in: OneIn) -> None:
    part = one_in(24)
    reports = [swept(name, [*ERRORS, EDQUOT], part, every=4) for name in STORIES]
    runs = sum(report.runs for report in reports)
    figure(f"kp refused by the disk: {runs} points, 0 bad")
    assert runs >= REFUSALS // part.step


@pytest.mark.system
def test_unreadable_anywhere(figure: Figure, one_in: OneIn) -> None:
    """EIO at a read below the site, its targets or an image tree."""
    runs = 0
    for name in ("new kernel", "nodes move", "rollback", "publish what lags"):
        script = sparing(STORIES[name], every=4)
        report = sweep(script, [failing(errno.EIO)], part=one_in(22), reads=True)
        print(report)
        assert report.bad == 0
        runs += report.runs
    figure(f"kp can't read a file: {runs} points, 0 bad")
