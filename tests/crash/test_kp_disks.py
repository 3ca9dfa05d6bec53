"""kp on a real ext4 that loses power, and on a disk that is really full.

Issue 2: at least 500 states of the real ext4, none bad. These need root and Debian
packages; they fail, not skip, when the machine lacks a part.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from support.crash import seeded
from support.crash.ext4 import crash
from support.crash.report import Report
from support.crash.script import Script
from support.crash.smallfs import Room, fill
from support.crashes import rebooted, sparing
from support.figures import Figure
from support.kpstories import STORIES

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

STATES = 500
UNPLUGGED = ("first import", "new kernel", "nodes move", "rollback", "repair", "gc")
# Up to what the story needs: pages, then inodes. Every so many are tried.
ROOMS = {
    "first import": (range(0, 60, 3), range(0, 102, 6)),
    "new kernel": (range(0, 40, 2), range(0, 70, 4)),
    "nodes move": (range(0, 40, 2), range(0, 70, 4)),
    "rollback": (range(12), range(16)),
}


def with_time(name: str) -> Script:
    return replace(sparing(STORIES[name], every=8), limit=60)


def flawless(report: Report) -> Report:
    print(report)
    assert report.bad == 0
    return report


def test_ext4_keeps_what_kp_said(figure: Figure) -> None:
    reports = [
        flawless(crash(rebooted(with_time(name)), samples=2, noise=noise, limit=44))
        for name in UNPLUGGED
        for noise in (False, True)
    ]
    states = sum(report.runs for report in reports)
    figure(f"kp unplugged, real ext4: {states} states, 0 bad")
    assert states >= STATES


def test_ext4_shows_a_kp_that_syncs_nothing(figure: Figure) -> None:
    script = with_time("rollback").with_bug("no fsync", seeded.no_fsync)
    report = crash(rebooted(script), noise=True, limit=100)
    figure(str(report).partition("\n")[0])
    assert report.bad > 0


def rooms(name: str) -> Iterable[Room]:
    pages, inodes = ROOMS[name]
    yield from (Room(pages=each) for each in pages)
    yield from (Room(inodes=each) for each in inodes)


@pytest.mark.parametrize("name", ROOMS)
def test_a_full_disk_refuses_and_breaks_nothing(name: str, figure: Figure) -> None:
    report = flawless(fill(with_time(name), rooms(name)))
    figure(report)
    found = re.search(r", (\d+) refused", report.name)
    assert found
    assert int(found[1]) > report.runs // 2
