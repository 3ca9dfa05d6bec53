"""The doctor's checks: a line of the registry each, and none stops another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.queries.doctor import examine as doctor
from kpstore.queries.doctor.contract import Advice, Check, Visit
from kpstore.queries.doctor.registry import CHECKS, OF_HISTORY
from support import sites
from support.sites import SmallSite, call_good, first_import


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good)


def lost(_: Visit) -> Iterator[Advice]:
    yield Advice("lost", "ok", "begun")
    raise CorruptState("it is lost", hint="look for it")


def unreadable(_: Visit) -> Iterator[Advice]:
    raise PermissionError(13, "Permission denied", "/somewhere")
    yield Advice("unreadable", "ok", "never said")


def sound(_: Visit) -> Iterator[Advice]:
    yield Advice("sound", "ok", "read")


def said(site: SmallSite) -> list[tuple[str, str, str, str]]:
    return [tuple(each) for each in site.picker().examine()]


def test_each_check_is_about_its_own_thing_and_finds_a_sound_site_sound(
    site: SmallSite,
) -> None:
    abouts = [check.about for check in CHECKS]
    assert len(set(abouts)) == len(abouts)
    assert set(OF_HISTORY) <= set(abouts)
    picker = site.picker()
    visit = Visit(picker.site, sites.NOW, "ann", deep=True)
    for check in CHECKS:
        found = list(check.look(visit))
        assert [each for each in found if each.level == "bad"] == []
    assert picker.damage() == []


def test_what_stops_a_check_is_found_and_stops_no_other(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = [Check(look.__name__, look) for look in (lost, unreadable, sound)]
    monkeypatch.setattr(doctor, "CHECKS", checks)
    assert said(site) == [
        ("lost", "ok", "begun", ""),
        ("lost", "bad", "it is lost", "look for it"),
        ("unreadable", "bad", "/somewhere: Permission denied", "see to the disk"),
        ("sound", "ok", "read", ""),
    ]


def test_what_stops_two_checks_is_said_once(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", [Check("lost", lost), Check("again", lost)])
    bad = [each for each in said(site) if each[1] == "bad"]
    assert bad == [("lost", "bad", "it is lost", "look for it")]
