"""A canary, and the way back from it: what came last is suspected, not the default."""

from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, nodes
from kpstore.health.verdicts import bad_verdict
from kpstore.model.boot import Boot, boot_of
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, call_good, first_import, name, second_kernel

WEB = Rollback(("web",))
THIRD = {"kernel": "6.2", "params": ("third=1",)}


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site whose image web was good on 6.1 and boots 6.2, `next`, since r4."""
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def add_third(site: SmallSite) -> None:
    with site.picker().edit("a third") as edit:
        entries.add(edit.state, "web", "third", THIRD)


def canary(site: SmallSite, entry: str, *numbers: int, force: str = "") -> None:
    """Bob has nodes boot an entry."""
    bob = replace(site, user="bob").picker()
    with bob.edit("a canary", op="next", force=force) as edit:
        nodes.set_next(edit.state, [name(number) for number in numbers], entry)


def booted(site: SmallSite, entry: str, image: str = "web") -> Boot:
    return boot_of(site.picker().view(), image, entry)


def is_bad(site: SmallSite, boot: Boot) -> bool:
    return bad_verdict(site.picker().view(), boot.payload) is not None


def said(outcome: Outcome) -> str:
    return "\n".join(outcome.notes)


def state(site: SmallSite) -> State:
    return site.picker().view()


def test_a_default_is_not_called_bad_for_a_canary_that_came_after_it(
    site: SmallSite,
) -> None:
    add_third(site)
    canary(site, "third", 0, 1, 3)
    default, third = booted(site, "next"), booted(site, "third")
    done = site.picker().rollback(WEB)
    assert state(site).image("web").default == "production"
    assert not is_bad(site, default)
    assert "web/next is not called bad: web/third, which some nodes boot" in said(done)
    assert (
        f"n[000-001,003] boot web/third instead of the default (kernel 6.2, payload "
        f"{third.payload.id[:12]}), by bob since r6"
    ) in said(done)
    assert "next boot cleared on n[000-001,003]" in said(done)
    assert "if web/third fails: kp bad web third --rev r6 -m WHY" in said(done)
    site.picker().judge("bad", [("web", "third", "r6")], "no network")
    assert (is_bad(site, third), is_bad(site, default)) == (True, False)
    site.picker().judge("bad", [("web", "next", "r6")], "it fails, too")
    assert is_bad(site, default)


def test_a_canary_that_goes_on_is_named_with_the_command_that_ends_it(
    tmp_path: Path,
) -> None:
    """The default is good: nothing goes back, and that is not where to look."""
    site = sites.make(tmp_path, first_import, call_good)
    with site.picker().edit("a third") as edit:
        entries.add(edit.state, "web", "third", {**THIRD, "kernel": "6.1"})
    canary(site, "third", 0, 1)
    tip = site.picker().site.tip()
    done = site.picker().rollback(WEB)
    assert site.picker().site.tip() == tip
    assert "its default production is known good" in said(done)
    assert "by bob since r5: kp next n[000-001] --clear ends that" in said(done)


def test_one_into_another_image_counts(site: SmallSite) -> None:
    with site.picker().edit("another") as edit:
        entries.add(edit.state, "gpu", "new", {"kernel": "5.4", "params": ("new=1",)})
    canary(site, "gpu/new", 0)
    default = booted(site, "next")
    done = site.picker().rollback(WEB)
    assert not is_bad(site, default)
    assert "n000 boots gpu/new instead of the default" in said(done)
    assert "since r6: kp next n000 --clear ends that" in said(done)


def test_what_another_image_had_excuses_nothing(tmp_path: Path) -> None:
    """It had that before the default came, though only just."""
    site = sites.make(tmp_path, first_import, call_good)
    with site.picker().edit("another") as edit:
        entries.add(edit.state, "gpu", "new", {"kernel": "5.4", "params": ("new=1",)})
    second_kernel(site.picker())
    canary(site, "gpu/new", 0)
    default = booted(site, "next")
    site.picker().rollback(WEB)
    assert is_bad(site, default)


def test_one_of_another_image_s_nodes_does_not(site: SmallSite) -> None:
    with site.picker().edit("another") as edit:
        entries.add(edit.state, "gpu", "new", {"kernel": "5.4", "params": ("new=1",)})
    canary(site, "gpu/new", 4)
    default = booted(site, "next")
    assert "gpu/new" not in said(site.picker().rollback(WEB))
    assert is_bad(site, default)


@pytest.mark.parametrize("entry", ["rescue", "next"])
def test_what_the_image_had_before_its_default_excuses_nothing(
    site: SmallSite, entry: str
) -> None:
    """Nodes that are rescued, or pinned to the very default."""
    canary(site, entry, 0)
    default = booted(site, "next")
    done = site.picker().rollback(WEB)
    assert is_bad(site, default)
    assert "not called bad" not in said(done)
    assert f"n000 boots web/{entry} instead of the default" in said(done)


def test_what_is_good_excuses_nothing(site: SmallSite) -> None:
    add_third(site)
    site.picker().judge("good", [("web", "third", None)], "it ran elsewhere")
    canary(site, "third", 0)
    default = booted(site, "next")
    site.picker().rollback(WEB)
    assert is_bad(site, default)


def test_what_is_known_bad_is_suspected_however_old_it_is(site: SmallSite) -> None:
    site.picker().judge("bad", [("web", "rescue", None)], "it hangs")
    canary(site, "rescue", 0, force="once more")
    default = booted(site, "next")
    done = site.picker().rollback(WEB)
    assert not is_bad(site, default)
    assert "web/next is not called bad: web/rescue" in said(done)
    assert "next boot cleared on n000" in said(done)


def test_who_says_blame_is_heard(site: SmallSite) -> None:
    add_third(site)
    canary(site, "third", 0)
    default = booted(site, "next")
    done = site.picker().rollback(replace(WEB, blame=True))
    assert is_bad(site, default)
    assert "not called bad" not in said(done)


def test_a_verdict_says_of_what_it_is(site: SmallSite) -> None:
    add_third(site)
    canary(site, "third", 0)
    default, third = booted(site, "next"), booted(site, "third")
    done = site.picker().judge("bad", [("web", None, None)], "n000 hangs")
    assert "n000 boots web/third instead of the default" in done.notes[0]
    assert done.notes[1:] == ["if that was meant: kp bad web third -m WHY"]
    for words in (("bad", "third"), ("good", None)):
        assert not site.picker().judge(words[0], [("web", words[1], None)], "x").notes
    next_ = f"web/next (kernel 6.2, payload {default.payload.id[:12]})"
    assert site.told[-3:] == [
        f"{next_} is known bad now",
        f"web/third (kernel 6.2, payload {third.payload.id[:12]}) is known bad now",
        f"{next_} is known good now",
    ]


def test_without_an_index(site: SmallSite) -> None:
    add_third(site)
    canary(site, "third", 0)
    (site.root / "cache/index.db").unlink()
    assert "by bob since r6" in said(site.picker().rollback(WEB))
