"""The harnesses find nothing in a correct writer, and every bug put into it.

The writer is support/crash/toy.py; kp itself is put to the same tests elsewhere.
"""

import errno
import os
from pathlib import Path

import pytest

from support.crash import failedsync, powerloss, ptrace, seeded, toy
from support.crash.faults import KILL, SHORT, failing
from support.crash.report import Report
from support.crash.script import Script
from support.crash.sweep import sweep
from support.crash.toy import TOY

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)


def quick_sweep(script: Script) -> Report:
    return sweep(script, [KILL, failing(errno.EIO), SHORT])


HARNESSES = {
    "sweep": quick_sweep,
    "power loss": powerloss.examine,
    "failed sync": failedsync.examine,
}


def published_first(root: Path, version: int) -> None:
    toy.stage(root, version)
    toy.switch(root, version)
    toy.advance(root, version)


def staged_last(root: Path, version: int) -> None:
    toy.advance(root, version)
    toy.stage(root, version)
    toy.switch(root, version)


def written_once(fd: int, data: bytes) -> None:
    os.write(fd, data)


BUGS = seeded.EVERYWHERE | {
    "publish before commit": seeded.bug(toy, publish=published_first),
    "stage after commit": seeded.bug(toy, publish=staged_last),
    "short writes believed": seeded.bug(toy, write_all=written_once),
    "refusal acknowledged": seeded.bug(toy, commit=seeded.swallowing(toy.commit)),
}
CAUGHT_BY = {
    "no fsync": {"power loss"},
    "no file fsync": {"power loss"},
    "no directory fsync": {"power loss"},
    "fsync after rename": {"power loss"},
    "fsync errors ignored": {"failed sync"},
    "in place": {"sweep", "power loss"},
    "unlink, then link": {"sweep", "power loss"},
    "publish before commit": {"sweep", "power loss"},
    "stage after commit": {"sweep"},
    "short writes believed": {"sweep"},
    "refusal acknowledged": {"sweep"},
}


def test_a_correct_writer_is_flawless() -> None:
    reports = [sweep(TOY), powerloss.examine(TOY), failedsync.examine(TOY)]
    reports.append(powerloss.examine(TOY, "ordered"))
    print(*reports, sep="\n")
    assert [report.bad for report in reports] == [0, 0, 0, 0]
    assert [report.unreached for report in reports] == [0, 0, 0, 0]
    assert reports[0].runs > 250
    assert sum(report.runs for report in reports[1:]) > 200


@pytest.mark.parametrize("name", BUGS)
def test_every_bug_is_caught(name: str) -> None:
    script = TOY.with_bug(name, BUGS[name])
    for harness in CAUGHT_BY[name]:
        report = HARNESSES[harness](script)
        print(report)
        assert report.bad > 0


def test_some_bugs_need_the_harness_that_they_need() -> None:
    """Why there are several: kills don't show lost pages, power cuts no errors."""
    lost_pages = TOY.with_bug("no fsync", seeded.no_fsync)
    assert sweep(lost_pages, [KILL]).bad == 0
    believed = TOY.with_bug("no errors", seeded.fsync_errors_ignored)
    assert powerloss.examine(believed).bad == 0


def test_a_bug_of_the_next_start_is_on_in_the_check_as_well() -> None:
    bug = seeded.bug(toy, sweep_away=seeded.nothing)
    half = TOY.with_bug("no sweep", bug)
    whole = TOY.with_bug("no sweep", bug, in_check=True)
    assert sweep(half, [KILL]).bad == 0
    assert sweep(whole, [KILL]).bad > 0


def test_a_harness_can_look_at_some_places_and_stop_at_the_first_bad_one() -> None:
    bugged = TOY.with_bug("in place", seeded.in_place)
    everywhere = sweep(bugged, [KILL])
    there = sweep(bugged, [KILL], workers=1, where=r"^write\(main", until_bad=True)
    assert there.bad == 1 < everywhere.bad
    assert there.runs < everywhere.runs
    assert there.findings[0].call.startswith("write(main")
    bugged = TOY.with_bug("no fsync", seeded.no_fsync)
    cut = powerloss.examine(
        bugged, workers=1, where=r"rename\(.*, main", until_bad=True
    )
    assert cut.bad == 1
    assert cut.findings[0].call.startswith("after rename(")


def test_bugs_are_gone_afterwards() -> None:
    before = os.fsync, os.replace, os.rename, toy.publish
    for bug in BUGS.values():
        with seeded.together(bug, seeded.no_fsync)():
            assert os.fsync is seeded.nothing
    assert before == (os.fsync, os.replace, os.rename, toy.publish)
