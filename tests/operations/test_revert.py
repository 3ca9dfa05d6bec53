"""Undoing a commit takes no verdict back."""

from pathlib import Path

import pytest

from kpstore.errors import NeedsConfirmation, Refused
from kpstore.health.verdicts import bad_verdict
from kpstore.model.boot import default_boot
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, call_good, first_import, roll_back, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site that was rolled back (r5): what it booted before is known bad."""
    return sites.make(tmp_path, first_import, call_good, second_kernel, roll_back)


def default_of(site: SmallSite) -> str | None:
    return site.picker().view("HEAD").image("web").default


def is_bad(site: SmallSite, rev: str) -> bool:
    boot = default_boot(site.picker().view(rev), "web")
    assert boot
    return bad_verdict(site.picker().view("HEAD"), boot.payload) is not None


def test_of_a_rollback_makes_nothing_bad_the_default(site: SmallSite) -> None:
    with pytest.raises(NeedsConfirmation, match="web: the new default is known bad"):
        site.picker().revert("HEAD", "undo")
    assert default_of(site) == "production"
    assert is_bad(site, "r4")


def test_by_force_it_goes_and_what_is_bad_stays_bad(site: SmallSite) -> None:
    outcome = site.picker().revert("HEAD", "undo", force="a cable").outcome
    assert outcome
    assert "the verdict of r5 stays: kp good takes a bad one back" in outcome.notes
    assert default_of(site) == "next"
    assert is_bad(site, "r4")


def test_a_way_round_by_two_reverts_is_none(site: SmallSite) -> None:
    site.picker().revert("HEAD", "undo", force="a cable")
    site.picker().rollback(Rollback(("web",)))
    with pytest.raises(NeedsConfirmation):
        site.picker().revert("r7", "undo")
    with pytest.raises(NeedsConfirmation):
        site.picker().revert("r5", "undo")


@pytest.mark.parametrize("verdict", ["good", "bad"])
def test_of_a_verdict_alone_there_is_nothing(site: SmallSite, verdict: str) -> None:
    given = site.picker().judge(verdict, [("gpu", None, None)], "seen").revision
    tip = site.picker().site.tip()
    with pytest.raises(Refused, match=f"{given} gave a verdict: a revert takes none"):
        site.picker().revert(given, "undo")
    assert site.picker().site.tip() == tip
