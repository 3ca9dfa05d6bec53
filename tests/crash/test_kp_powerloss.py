"""kp and power cuts: every state that a strict POSIX disk may leave, then a boot.

Issue 2: at least 5,000 states, none bad; `make test` looks at some hundred of them.
"""

from dataclasses import replace

import pytest

from support import kpstories
from support.crash import failedsync, powerloss, ptrace
from support.crash.diskmodel import Mode
from support.crash.report import Report
from support.crash.script import Script
from support.crashes import rebooted, sparing
from support.figures import Figure

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)

STATES = 5000


STORIES = {**kpstories.STORIES, "finished by another": kpstories.FINISHED}


def unplugged(name: str, *, every: int = 8) -> Script:
    return rebooted(sparing(STORIES[name], every))


def examined(
    name: str,
    stride: int,
    *,
    samples: int = 1,
    mode: Mode = "strict",
    workers: int = 2,
) -> Report:
    script = unplugged(name)
    report = powerloss.examine(
        script, mode, samples=samples, stride=stride, workers=workers
    )
    print(report)
    assert report.bad == 0
    return report


@pytest.mark.parametrize(("name", "stride"), [("nodes move", 131), ("rollback", 97)])
def test_unplugged_somewhere(name: str, stride: int, figure: Figure) -> None:
    figure(examined(name, stride=stride, samples=0, workers=1))


@pytest.mark.system
@pytest.mark.timeout(1200)
def test_unplugged_anywhere(figure: Figure) -> None:
    strides = {"first import": 37, "new kernel": 17, "nodes move": 17, "rollback": 11}
    strides |= {
        "finished by another": 17,
        "draft": 19,
        "gc": 5,
        "publish what lags": 11,
        "repair": 11,
        "kp init": 17,
    }
    reports = [examined(name, strides[name]) for name in strides]
    states = sum(report.runs for report in reports)
    ordered = examined("nodes move", 23, mode="ordered").runs
    figure(f"kp unplugged: strict model {states}, ordered {ordered} states, 0 bad")
    assert states >= STATES


@pytest.mark.system
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["nodes move", "rollback"])
def test_no_failed_sync_is_believed(name: str, figure: Figure) -> None:
    report = failedsync.examine(replace(unplugged(name), limit=30), samples=0, stride=2)
    figure(report)
    assert report.bad == 0
