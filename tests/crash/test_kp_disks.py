"""kp on a real ext4 that loses power, and on a disk that is really full.

Issue 2: at least 500 states of the real ext4, none bad; `make test-system` takes some
of them. These need root and Debian packages.
"""

import re
from collections.abc import Iterable

import pytest

from support.crash import seeded
from support.crash.ext4 import crash
from support.crash.report import Report
from support.crash.script import Script
from support.crash.smallfs import Room, fill
from support.crashes import rebooted, sparing
from support.figures import Figure
from support.kpstories import STORIES
from support.rotation import OneIn

pytestmark = pytest.mark.system

STATES = 500
SAMPLE = 15  # of each story's some hundred
UNPLUGGED = ("first import", "new kernel", "nodes move", "rollback", "repair", "gc")
# Up to what the story needs: pages, then inodes.
ROOMS = {
    "first import": (range(60), range(102)),
    "new kernel": (range(40), range(70)),
    "nodes move": (range(40), range(70)),
    "rollback": (range(12), range(16)),
}


def told(name: str) -> Script:
    return sparing(STORIES[name], every=8)


def unplugged(name: str, *, noise: bool, limit: int | None, seed: int) -> Report:
    script = rebooted(told(name))
    return crash(script, samples=2, noise=noise, limit=limit, seed=seed)


def flawless(report: Report) -> Report:
    print(report)
    assert report.bad == 0
    return report


def test_ext4_keeps_what_kp_said(figure: Figure, seed: int, full: bool) -> None:
    limit = None if full else SAMPLE
    reports = [
        flawless(unplugged(name, noise=noise, limit=limit, seed=seed))
        for name in UNPLUGGED
        for noise in (False, True)
    ]
    states = sum(report.runs for report in reports)
    figure(f"kp unplugged, real ext4: {states} states, 0 bad")
    assert states >= (STATES if full else len(reports) * SAMPLE)


def test_ext4_shows_a_kp_that_syncs_nothing(figure: Figure) -> None:
    script = told("rollback").with_bug("no fsync", seeded.no_fsync)
    report = crash(rebooted(script), noise=True, limit=100)
    figure(str(report).partition("\n")[0])
    assert report.bad > 0


def rooms(name: str, one_in: OneIn) -> Iterable[Room]:
    pages, inodes = ROOMS[name]
    yield from (Room(pages=each) for each in pages[one_in(4)])
    yield from (Room(inodes=each) for each in inodes[one_in(8)])


@pytest.mark.parametrize("name", ROOMS)
def test_a_full_disk_refuses_and_breaks_nothing(
    name: str, figure: Figure, one_in: OneIn
) -> None:
    report = flawless(fill(told(name), rooms(name, one_in)))
    figure(report)
    found = re.search(r", (\d+) refused", report.name)
    assert found
    refused = int(found[1])
    if name == "rollback":  # the reserve is given up for it
        assert refused == 0
    else:
        assert refused > report.runs // 2
