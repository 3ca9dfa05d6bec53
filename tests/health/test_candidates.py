"""Rollback, sentence by sentence: docs/architecture.md, section 6."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, groups, images, nodes, targets
from kpstore.errors import NeedsConfirmation, NotFound, Refused
from kpstore.health.verdicts import Said, bad_verdict, give, is_good
from kpstore.history import drafts
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import default_boot
from kpstore.model.documents import Rollout
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.rollback import Rollback
from support import bootcheck, sites
from support.sites import SmallSite, call_good, first_import, name, second_kernel

WEB = Rollback(("web",))


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site whose image web was good on 6.1 and boots 6.2 since."""
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def menu(site: SmallSite, number: int) -> str:
    mac = sites.mac(number).replace(":", "-")
    return (site.tftp / f"pxelinux.cfg/01-{mac}").read_text()


def notes(outcome: object) -> str:
    return "\n".join(getattr(outcome, "notes", ()))


def default_of(site: SmallSite) -> str | None:
    return site.picker().view("HEAD").image("web").default


# --- history only grows; the image's subtree alone goes back


def test_history_only_grows_and_nothing_but_the_image_goes_back(
    site: SmallSite,
) -> None:
    before = bootcheck.history(site.picker())
    commit = site.picker().rollback(WEB).commit
    assert bootcheck.history(site.picker()) == [commit, *before]
    repository = site.picker().site.repository
    states = [Snapshot(repository, each) for each in (commit, *before)]
    tree = {
        place: [state.subtree(place) for state in states]
        for place in ("images/web", "images/gpu", "nodes", "groups", "targets")
    }
    assert tree["images/web"][0] == tree["images/web"][2]
    assert tree["images/web"][0] != tree["images/web"][1]
    assert len({*tree["images/gpu"][:2]}) == 1
    for place in ("nodes", "groups", "targets"):
        assert len({*tree[place][:2]}) == 1


# --- it never reads a draft


def test_a_draft_that_can_not_even_be_read_is_in_nobody_s_way(
    site: SmallSite,
) -> None:
    git = site.root / "state.git"
    empty = subprocess.check_output(
        ["git", "-C", git, "hash-object", "-t", "blob", "-w", "--stdin"],
        input=b"no commit at all",
    )
    ref = git / drafts.ref_of(site.user)
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_bytes(empty)
    outcome = site.picker().rollback(WEB)
    assert [t.condition for t in outcome.targets] == ["live", "live"]
    assert default_of(site) == "production"
    assert ref.read_bytes() == empty


# --- it always goes through


def test_an_image_that_was_removed_comes_back(site: SmallSite) -> None:
    with site.picker().edit("a slip") as edit:
        edit.state.drop(Key("target", "disk"))
        nodes.change(edit.state, [name(n) for n in range(4)], {"image": "gpu"})
        images.remove(edit.state, "web")
    outcome = site.picker().rollback(WEB)
    assert outcome.revision == "r6"
    assert default_of(site) == "production"
    with site.picker().edit("nodes, too") as edit:
        nodes.change(edit.state, [name(0)], {"image": "web"})
    assert "web/production" in menu(site, 0)
    with pytest.raises(NotFound, match="no image 'wbe'"):
        site.picker().rollback(Rollback(("wbe",)))


def test_what_today_s_rules_refuse_does_not_stop_it(site: SmallSite) -> None:
    """The older line and a group of today together are longer than loaders take."""
    long = tuple(f"key{n}={'x' * 150}" for n in range(7))
    with site.picker().edit("long") as edit:
        images.change(edit.state, "web", {"params": long})
    with site.picker().edit("short") as edit:
        images.change(edit.state, "web", {"params": ()})
    more = tuple(f"more{n}={'x' * 150}" for n in range(7))
    with site.picker().edit("a group") as edit:
        groups.change(edit.state, "rack1", {"params": more})
    with pytest.raises(Refused, match="1,950"), site.picker().edit("again") as edit:
        images.change(edit.state, "web", {"params": long})
    outcome = site.picker().rollback(Rollback(("web",), to="r5"))
    assert outcome.revision == "r8"
    assert {t.name: t.condition for t in outcome.targets} == {
        "disk": "live",
        "net": "live",
    }
    assert "key6=" in menu(site, 2)
    told = notes(outcome)
    assert "would be refused for this: entry web/next: the command line" in told


def test_another_kernel_that_lost_its_files_is_no_way_back(site: SmallSite) -> None:
    """What is chosen has all of its image's files, not of its default alone."""
    picker = site.picker()
    picker.rollback(WEB)
    odd = sites.add_kernel(picker, "6.9")
    with picker.edit("an odd one beside") as edit:
        sites.put_kernel(edit.state, "web", odd)
        entries.add(edit.state, "web", "odd", {"kernel": "6.9", "method": "mixed"})
    three = sites.add_kernel(picker, "6.3")
    with site.picker().edit("a third") as edit:
        entries.remove(edit.state, "web", "odd")
        edit.state.drop(Key("kernel", "6.9", "web"))
        sites.put_kernel(edit.state, "web", three)
        entries.add(edit.state, "web", "third", {"kernel": "6.3"}, default=True)
    picker.site.artifacts.remove(odd.artifacts.vmlinuz.sha256, before=1e12)
    outcome = site.picker().rollback(WEB)
    assert outcome.revision == "r8"
    assert [t.condition for t in outcome.targets] == ["live", "live"]
    assert site.picker().view().names("entry", "web") == ["production", "rescue"]


# --- what goes with it, in the same commit


def test_the_image_s_rollout_ends_and_no_other(site: SmallSite) -> None:
    with site.picker().edit("waves") as edit:
        edit.state.put(Key("rollout", "web"), Rollout(entry="next"))
        edit.state.put(Key("rollout", "gpu"), Rollout(entry="run"))
    outcome = site.picker().rollback(WEB)
    assert site.picker().view().names("rollout") == ["gpu"]
    assert "the rollout of web is ended" in notes(outcome)
    shown = site.picker().show(outcome.commit)
    assert "rollout web" in {change.document for change in shown.changes}


def test_next_boots_into_what_is_bad_end_whatever_image_the_node_is_of(
    tmp_path: Path,
) -> None:
    """Entry `next` is there in the older state, too, and is what becomes bad."""
    site = sites.make(tmp_path, first_import, call_good)
    two = sites.add_kernel(site.picker(), "6.2")
    with site.picker().edit("beside") as edit:
        sites.put_kernel(edit.state, "web", two)
        entries.add(edit.state, "web", "next", {"kernel": "6.2"})
    with site.picker().edit("default") as edit:
        images.change(edit.state, "web", {"default": "next"})
    with site.picker().edit("pins") as edit:
        nodes.set_next(edit.state, [name(0)], "next")
        nodes.set_next(edit.state, [name(4)], "web/next")
        nodes.set_next(edit.state, [name(1)], "web/rescue")
        nodes.set_next(edit.state, [name(5)], "run")
    outcome = site.picker().rollback(WEB)
    state = site.picker().view()
    assert state.names("entry", "web") == ["next", "production", "rescue"]
    pinned = [n for n in range(6) if state.node(name(n)).next]
    assert pinned == [1, 5]
    assert "next boot cleared on n[000,004]" in notes(outcome)
    assert "web/production" in menu(site, 0)
    assert "gpu/run" in menu(site, 4)


def test_nodes_without_an_entry_in_the_older_state_get_the_policy_and_are_named(
    tmp_path: Path,
) -> None:
    site = SmallSite(tmp_path)
    site.create()
    with site.picker().edit("an image without an entry") as edit:
        images.add(edit.state, "new", {"arch": "x86_64"})
    picker = site.picker()
    kernel = sites.add_kernel(picker, "6.1")
    with picker.edit("all") as edit:
        targets.add(edit.state, "net", {"kind": "tftp", "loaders": sites.LOADERS})
        sites.put_kernel(edit.state, "new", kernel)
        entries.add(edit.state, "new", "run", {"kernel": "6.1"})
        nodes.add(edit.state, name(0), {"macs": (sites.mac(0),), "image": "new"})
    assert "new/run" in menu(site, 0)
    outcome = site.picker().rollback(Rollback(("new",), to="r2"))
    assert outcome.revision == "r4"
    assert f"{name(0)} " in notes(outcome)
    assert "policy" in notes(outcome)
    assert "LOCALBOOT" in menu(site, 0)


# --- verdicts


def prove(site: SmallSite) -> None:
    """Give the default of web a verdict that nodes' reports earned."""

    def reports(state: State) -> None:
        boot = default_boot(state, "web")
        assert boot
        said = Said("kp", "2033-05-18T00:00:00Z", "r4", "", "web")
        give(state, boot.payload, "good", said)
        known = state.verdict(boot.payload.id)
        assert known
        counted = known.model_copy(update={"evidence": {"reports": 4}})
        state.put(Key("verdict", boot.payload.id), counted)

    sites.plant(site.picker(), reports)


def test_what_reports_proved_good_does_not_become_bad_and_that_is_said(
    site: SmallSite,
) -> None:
    before = default_boot(site.picker().view(), "web")
    assert before
    prove(site)
    outcome = site.picker().rollback(Rollback(("web",), to="r2", blame=True))
    assert is_good(site.picker().view(), before.payload)
    assert "web/next stays good: nodes reported it" in notes(outcome)


def test_what_a_person_called_good_becomes_bad_when_blamed(site: SmallSite) -> None:
    before = default_boot(site.picker().view(), "web")
    assert before
    site.picker().judge("good", [("web", None, None)], "looks fine")
    site.picker().rollback(Rollback(("web",), to="r2", blame=True))
    assert bad_verdict(site.picker().view(), before.payload)


def test_a_state_that_was_judged_bad_since_is_passed_over(site: SmallSite) -> None:
    """Good is by today's verdicts, not by those of that day."""
    site.picker().judge("bad", [("web", "production", "r2")], "it did not, after all")
    with pytest.raises(Refused, match="no earlier known-good state"):
        site.picker().rollback(WEB)
    site.picker().judge("good", [("web", "production", "r2")], "it was the switch")
    assert site.picker().rollback(WEB).revision == "r7"
    assert default_of(site) == "production"


def test_a_bad_default_that_is_there_stops_no_other_change(site: SmallSite) -> None:
    site.picker().judge("bad", [("web", None, None)], "hangs")
    assert sites.small_edit(site.picker()).revision == "r6"
    with site.picker().edit("beside it") as edit:
        entries.change(edit.state, "web", "rescue", {}, add_params=("single",))
    assert default_of(site) == "next"
    with site.picker().edit("away") as edit:
        images.change(edit.state, "web", {"default": "production"})
    with (
        pytest.raises(NeedsConfirmation, match="known bad") as caught,
        site.picker().edit("and back") as edit,
    ):
        images.change(edit.state, "web", {"default": "next"})
    assert "--force REASON" in caught.value.hint


# --- two people at 3 a.m.


def test_who_comes_second_is_told_who_did_what_when_and_what_lies_further_back(
    site: SmallSite,
) -> None:
    site.picker().rollback(Rollback(("web",), message="racks 1 and 2 are dark"))
    told = notes(replace(site, user="bob").picker().rollback(WEB))
    for word in (
        "r5",
        "ann",
        "2033-05-18T03:33:20Z",
        "racks 1 and 2 are dark",
        "r4 second kernel (ann)",
        "kp rollback web --to REV",
    ):
        assert word in told


def test_two_people_in_the_same_second_make_one_commit(site: SmallSite) -> None:
    people = [replace(site, user=user) for user in ("ann", "bob", "cyd")]
    made: list[str] = []

    def back(person: SmallSite) -> None:
        made.append(person.picker().rollback(WEB).revision)

    threads = [threading.Thread(target=back, args=(each,)) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["", "", "r5"]
    assert len(bootcheck.history(site.picker())) == 5


# --- while an import runs


def test_while_an_import_runs(site: SmallSite) -> None:
    """Its long work waits for nobody and holds up nobody; its commit comes after."""
    half, go_on = threading.Event(), threading.Event()
    came: list[tuple[str, int]] = []
    bob = replace(site, user="bob")

    def chunks() -> Iterator[bytes]:
        yield b"the first half of a great initrd, "
        half.set()
        assert go_on.wait(600)
        yield b"and the second"

    def importing() -> None:
        ref = bob.picker().site.artifacts.add_stream(chunks())
        came.append((ref.sha256, ref.size))

    thread = threading.Thread(target=importing)
    thread.start()
    assert half.wait(600)
    with replace(site, wait=0).picker().writing():
        pass
    outcome = replace(site, wait=0).picker().rollback(WEB)
    collector = replace(site, day=30).picker()
    collector.gc()
    go_on.set()
    thread.join()
    assert outcome.revision == "r5"
    picker = bob.picker()
    assert picker.site.artifacts.has(*came[0])
    with picker.edit("bob's import") as edit:
        sites.put_kernel(edit.state, "web", sites.add_kernel(picker, "6.3"))
        nodes.add(edit.state, name(7), {"macs": (sites.mac(7),), "image": "web"})
    assert edit.outcome
    assert edit.outcome.revision == "r6"
    assert "web/production" in menu(site, 7)


def test_a_draft_of_an_import_is_merged_onto_what_was_rolled_back(
    site: SmallSite,
) -> None:
    bob = replace(site, user="bob")
    with bob.picker().edit() as edit:
        nodes.add(edit.state, name(7), {"macs": (sites.mac(7),), "image": "web"})
    site.picker().rollback(WEB)
    assert bob.picker().commit("bob's import").revision == "r6"
    assert default_of(site) == "production"
    assert "web/production" in menu(site, 7)
