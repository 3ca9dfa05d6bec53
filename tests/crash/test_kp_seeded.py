"""Bugs put into kp on purpose are each found by a harness: so those are awake.

What is asked of a harness is the finding that the bug must lead to; a bug that breaks
the undisturbed story would end in an exception, and prove nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from support import kpbugs
from support.crash import failedsync, powerloss, ptrace
from support.crash.faults import KILL, SHORT
from support.crash.report import Report
from support.crash.script import Script
from support.crash.seeded import Bug
from support.crash.sweep import sweep
from support.crash.trees import scratch
from support.crashes import rebooted, sparing
from support.figures import Figure
from support.kpbugs import Sown
from support.kpstories import STORIES
from support.sites import first_import, make, second_kernel
from support.writers import Writer, run, wrong

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)


def told(name: str, sown: Sown) -> Script:
    """The story of a bug, told by a kp that has it."""
    script = STORIES[sown.story].with_bug(name, sown.bug, in_check=sown.following)
    return replace(script, limit=30)


def unplugged(name: str, sown: Sown) -> Script:
    script = replace(sparing(STORIES[sown.story], 50), limit=30)
    return rebooted(script.with_bug(name, sown.bug))


def found(findings: Iterable[str], shows: str) -> str:
    """Return the finding that was to be made; fails when it wasn't."""
    lines = [each.splitlines()[-1] for each in findings if re.search(shows, each)]
    assert lines, f"nobody found {shows!r}"
    return lines[0][:160]


def shown(name: str, sown: Sown, report: Report) -> str:
    print(report)
    seen = found([str(each) for each in report.findings], sown.shows)
    return f"seeded: {name}: {seen}"


@pytest.mark.parametrize("name", kpbugs.KILLED)
def test_kills_show(name: str, figure: Figure) -> None:
    sown = kpbugs.KILLED[name]
    report = sweep(
        told(name, sown), [KILL], workers=1, where=sown.where, until_bad=True
    )
    figure(shown(name, sown, report))


def test_short_writes_show(figure: Figure) -> None:
    name, sown = "short writes believed", kpbugs.CUT_SHORT
    script = told(name, sown)
    report = sweep(script, [SHORT], workers=1, where=sown.where, until_bad=True)
    figure(shown(name, sown, report))


@pytest.mark.parametrize("name", kpbugs.UNPLUGGED)
def test_power_cuts_show(name: str, figure: Figure) -> None:
    sown = kpbugs.UNPLUGGED[name]
    report = powerloss.examine(
        unplugged(name, sown), samples=0, workers=1, where=sown.where, until_bad=True
    )
    figure(shown(name, sown, report))


def test_failed_syncs_show(figure: Figure) -> None:
    name, sown = "failed syncs believed", kpbugs.BELIEVED
    script = unplugged(name, sown)
    report = failedsync.examine(script, samples=0, workers=1, until_bad=True)
    figure(shown(name, sown, report))


def findings_of_writers(bug: Bug) -> list[str]:
    with scratch() as where:
        site = make(where, first_import, second_kernel)
        writers = [Writer(site, number, 3) for number in range(8)]
        with bug():
            run(writers)
        return wrong(site, writers)


@pytest.mark.parametrize("name", kpbugs.BY_WRITERS)
def test_many_writers_show(name: str, figure: Figure) -> None:
    bug, shows = kpbugs.BY_WRITERS[name]
    figure(f"seeded: {name}: {found(findings_of_writers(bug), shows)}")
