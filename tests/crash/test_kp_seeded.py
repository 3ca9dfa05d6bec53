"""Bugs put into kp on purpose are each found by a harness: so those are awake.

What is asked of a harness is the finding that the bug must lead to; a bug that breaks
the undisturbed story would end in an exception, and prove nothing.
"""

import re
from collections.abc import Iterable

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
    return STORIES[sown.story].with_bug(name, sown.bug, in_check=sown.following)


def unplugged(name: str, sown: Sown) -> Script:
    return rebooted(sparing(STORIES[sown.story], 50).with_bug(name, sown.bug))


def matching(findings: Iterable[str], shows: str) -> str:
    """Return the finding that was to be made; empty when it wasn't."""
    lines = [each.splitlines()[-1] for each in findings if re.search(shows, each)]
    return lines[0][:160] if lines else ""


def shown(name: str, sown: Sown, report: Report) -> str:
    print(report)
    seen = matching([str(each) for each in report.findings], sown.shows)
    assert seen, f"nobody found {sown.shows!r}"
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
    """It is a race, and run until somebody loses it."""
    bug, shows = kpbugs.BY_WRITERS[name]
    while not (seen := matching(findings_of_writers(bug), shows)):
        pass
    figure(f"seeded: {name}: {seen}")
