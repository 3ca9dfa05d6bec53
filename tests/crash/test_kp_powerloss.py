"""kp and power cuts: every state that a strict POSIX disk may leave, then a boot.

Issue 2: at least 5,000 states, none bad. `make test` looks at some hundred of them,
`make test-system` at some more, `make test-system-full` at all.
"""

import pytest

from support import kpstories
from support.crash import failedsync, powerloss, ptrace
from support.crash.diskmodel import Mode
from support.crash.report import Report
from support.crash.script import Script
from support.crashes import rebooted, sparing
from support.figures import Figure
from support.rotation import OneIn

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)

STATES = 5000
# Of a story's calls that change something, `make test-system` takes every n-th.
UNPLUGGED = {
    "first import": 111,
    "new kernel": 51,
    "nodes move": 51,
    "rollback": 33,
    "finished by another": 51,
    "draft": 57,
    "gc": 15,
    "publish what lags": 33,
    "repair": 33,
    "kp init": 51,
}

STORIES = {**kpstories.STORIES, "finished by another": kpstories.FINISHED}


def unplugged(name: str, *, every: int = 8) -> Script:
    return rebooted(sparing(STORIES[name], every))


def examined(
    name: str,
    part: slice,
    *,
    samples: int = 1,
    mode: Mode = "strict",
    workers: int = 2,
) -> Report:
    script = unplugged(name)
    report = powerloss.examine(
        script, mode, samples=samples, part=part, workers=workers
    )
    print(report)
    assert report.bad == 0
    return report


@pytest.mark.parametrize(("name", "nth"), [("nodes move", 131), ("rollback", 97)])
def test_unplugged_somewhere(
    name: str, nth: int, figure: Figure, one_in: OneIn
) -> None:
    figure(examined(name, one_in(nth), samples=0, workers=1))


@pytest.mark.system
def test_unplugged_anywhere(figure: Figure, one_in: OneIn, full: bool) -> None:
    reports = [examined(name, one_in(nth)) for name, nth in UNPLUGGED.items()]
    states = sum(report.runs for report in reports)
    ordered = examined("nodes move", one_in(46), mode="ordered").runs
    figure(f"kp unplugged: strict model {states}, ordered {ordered} states, 0 bad")
    assert states >= (STATES if full else STATES // 3)


@pytest.mark.system
@pytest.mark.parametrize("name", ["nodes move", "rollback"])
def test_no_failed_sync_is_believed(name: str, figure: Figure, one_in: OneIn) -> None:
    report = failedsync.examine(unplugged(name), samples=0, part=one_in(8))
    figure(report)
    assert report.bad == 0
