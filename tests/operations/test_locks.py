"""Locked nodes: no way into main changes what they boot, but for --unlock and back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, groups, images, locks, nodes, objects
from kpstore.errors import InvalidInput, NeedsConfirmation, NotFound, Refused
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.rollback import Rollback
from kpstore.picker import KernelPicker
from support import sites
from support.sites import SmallSite, call_good, done, first_import, name, second_kernel

Change = Callable[[State], object]
WHY = "people work there"
LOCKED = name(1)


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site whose image web was good and boots its second kernel; n001 is locked."""
    made = sites.make(tmp_path, first_import, call_good, second_kernel)
    commit(made, lambda state: locks.lock(state, [LOCKED], WHY))
    return made


def commit(site: SmallSite, change: Change) -> str:
    with site.picker().edit("at once") as edit:
        change(edit.state)
    return done(edit.outcome).revision


def unlocking(site: SmallSite) -> KernelPicker:
    return KernelPicker.open(site.root, replace(site.caller(), unlock=True))


def of_image(state: State) -> object:
    return images.change(state, "web", {"params": ("debug=1",)})


CHANGES: dict[str, Change] = {
    "its image": of_image,
    "another default": lambda s: images.change(s, "web", {"default": "rescue"}),
    "its entry": lambda s: entries.change(s, "web", "next", {"params": ("x=1",)}),
    "its group": lambda s: groups.change(s, "rack1", {"params": ("x=1",)}),
    "out of its group": lambda s: groups.change(s, "rack1", {"nodes": name(0)}),
    "its own line": lambda s: nodes.change(s, [LOCKED], {"params": ("x=1",)}),
    "another image": lambda s: nodes.change(s, [LOCKED], {"image": "gpu"}),
    "a next boot": lambda s: nodes.set_next(s, [LOCKED], "web/rescue"),
    "it is gone": lambda s: nodes.remove(s, [LOCKED]),
    "another name": lambda s: nodes.rename(s, LOCKED, "login1"),
}
OTHERS: dict[str, Change] = {
    "another node": lambda s: nodes.change(s, [name(2)], {"params": ("x=1",)}),
    "another image": lambda s: images.change(s, "gpu", {"params": ("x=1",)}),
    "another entry": lambda s: entries.change(s, "web", "rescue", {"params": ("x",)}),
    "unlocked by it": lambda s: [locks.unlock(s, [LOCKED]), of_image(s)],
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_a_locked_node_boots_stays(site: SmallSite, what: str) -> None:
    tip = site.picker().site.tip()
    with pytest.raises(NeedsConfirmation, match=rf"{LOCKED} \({WHY}\)") as refused:
        commit(site, CHANGES[what])
    assert "--unlock" in refused.value.hint
    assert site.picker().site.tip() == tip
    with unlocking(site).edit("it is meant") as edit:
        CHANGES[what](edit.state)
    assert any(LOCKED in each for each in done(edit.outcome).warnings)


@pytest.mark.parametrize("what", OTHERS)
def test_other_nodes_move_on(site: SmallSite, what: str) -> None:
    assert commit(site, OTHERS[what])


def test_a_draft_is_refused_when_it_is_committed(site: SmallSite) -> None:
    with site.picker().edit() as edit:
        of_image(edit.state)
    assert any(LOCKED in each for each in site.picker().plan().warnings)
    with pytest.raises(NeedsConfirmation):
        site.picker().commit("from my draft")
    assert unlocking(site).commit("it is meant").revision


def test_what_was_pushed_is_refused(site: SmallSite) -> None:
    sites.push(site, site.user, of_image)
    with pytest.raises(NeedsConfirmation):
        site.picker().commit("from what I pushed")


def test_a_revert_is_refused(site: SmallSite) -> None:
    with unlocking(site).edit("debug") as edit:
        of_image(edit.state)
    revision = done(edit.outcome).revision
    with pytest.raises(NeedsConfirmation):
        site.picker().revert(revision, "no more of it")
    assert unlocking(site).revert(revision, "no more of it").outcome


def test_the_way_back_goes_through_and_says_it(site: SmallSite) -> None:
    outcome = site.picker().rollback(Rollback(("web",)))
    assert f"locked nodes boot differently: {LOCKED} ({WHY})" in outcome.warnings
    assert locks.of_node(site.picker().view(), LOCKED) == WHY


def test_locks_follow_names_and_reasons(site: SmallSite) -> None:
    def change(state: State) -> None:
        locks.lock(state, [name(2), name(3)], "disks")
        locks.lock(state, [name(3)], WHY)
        nodes.rename(state, name(2), "disk1")
        nodes.remove(state, [LOCKED])

    with unlocking(site).edit("much at once") as edit:
        change(edit.state)
    assert site.picker().view().site().locks == {"disks": "disk1", WHY: name(3)}


def test_only_nodes_that_are_there_are_locked_and_only_locked_ones_unlocked(
    site: SmallSite,
) -> None:
    state = State(site.picker().site.main())
    with pytest.raises(NotFound, match="no node 'n999'"):
        locks.lock(state, ["n999"], WHY)
    with pytest.raises(Refused, match=f"no node of {name(5)} is locked"):
        locks.unlock(state, [name(5)])


@pytest.mark.parametrize("nodes", ["n001,n001", "@rack1", "n[001", ""])
def test_a_lock_names_its_nodes_folded(site: SmallSite, nodes: str) -> None:
    def change(state: State) -> None:
        fields = state.site().model_dump(mode="json") | {"locks": {WHY: nodes}}
        objects.put(state, {"site": fields})

    with pytest.raises((InvalidInput, NotFound)):
        commit(site, change)


def test_a_site_without_locks_is_written_as_before(tmp_path: Path) -> None:
    site = sites.make(tmp_path, first_import)
    document = site.picker().site.main().get(Key("site"))
    assert document is not None
    assert "locks" not in document.model_dump(mode="json")
