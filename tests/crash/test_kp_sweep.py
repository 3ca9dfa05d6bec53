"""kp killed before, or refused by the disk at, every system call that changes a file.

Issue 2: at least 600 kills, 1,500 errors, none bad. `make test` takes a sample of the
points of every story, `make test-system` all kills and enough errors.
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

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)

KILLS = 600
REFUSALS = 1500
EDQUOT = failing(errno.EDQUOT)


def swept(
    name: str, faults: list[Fault], stride: int, *, every: int = 1, workers: int = 2
) -> Report:
    """Sweep one story; nothing may be bad."""
    script = sparing(STORIES[name], every)
    report = sweep(script, faults, stride=stride, workers=workers)
    print(report)
    assert report.bad == 0
    return report


@pytest.mark.parametrize("name", STORIES)
def test_killed_somewhere(name: str, figure: Figure) -> None:
    figure(swept(name, [KILL], stride=17, every=3, workers=1))


@pytest.mark.parametrize("name", STORIES)
def test_refused_somewhere(name: str, figure: Figure) -> None:
    figure(swept(name, [*ERRORS, EDQUOT], stride=101, every=3, workers=1))


@pytest.mark.system
@pytest.mark.timeout(1200)
def test_killed_anywhere(figure: Figure) -> None:
    reports = [swept(name, [KILL], stride=1, every=3) for name in STORIES]
    runs = sum(report.runs for report in reports)
    figure(f"kp killed at every changing call: {runs} points, 0 bad")
    assert runs >= KILLS


@pytest.mark.system
@pytest.mark.timeout(1200)
def test_refused_anywhere(figure: Figure) -> None:
    reports = [swept(name, [*ERRORS, EDQUOT], stride=8, every=4) for name in STORIES]
    runs = sum(report.runs for report in reports)
    figure(f"kp refused by the disk: {runs} points, 0 bad")
    assert runs >= REFUSALS


@pytest.mark.system
@pytest.mark.timeout(600)
def test_unreadable_anywhere(figure: Figure) -> None:
    """EIO at a read below the site, its targets or an image tree."""
    runs = 0
    for name in ("new kernel", "nodes move", "rollback", "publish what lags"):
        script = sparing(STORIES[name], every=4)
        report = sweep(script, [failing(errno.EIO)], stride=11, reads=True)
        print(report)
        assert report.bad == 0
        runs += report.runs
    figure(f"kp can't read a file: {runs} points, 0 bad")
