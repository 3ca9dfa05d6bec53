"""The night: rollback while other things are under way."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, images, nodes
from kpstore.errors import NotFound, Refused
from kpstore.health.verdicts import bad_verdict, is_good
from kpstore.model.boot import default_boot
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.publish import Publish
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, call_good, first_import, name, second_kernel

WEB = Rollback(("web",))


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site whose image web was good on 6.1 and boots 6.2 since."""
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def menu(site: SmallSite, number: int) -> str:
    mac = sites.mac(number).replace(":", "-")
    return (site.tftp / f"pxelinux.cfg/01-{mac}").read_text()


def default_of(site: SmallSite) -> str | None:
    return site.picker().view().image("web").default


def notes(outcome: object) -> str:
    return "\n".join(getattr(outcome, "notes", ()))


def test_one_command_goes_back_to_known_good_and_says_what_it_undoes(
    site: SmallSite,
) -> None:
    outcome = site.picker().rollback(WEB)
    state = site.picker().view()
    assert state.image("web").default == "production"
    assert state.names("entry", "web") == ["production", "rescue"]
    assert [t.condition for t in outcome.targets] == ["live", "live"]
    assert "undoes r4 of web by ann: second kernel" in notes(outcome)
    assert "web/next (kernel 6.2" in notes(outcome)
    record = site.picker().site.record(outcome.commit)
    assert (record.op, record.reverts, record.images) == ("rollback", "r2", ("web",))


def test_of_very_many_commits_undone_the_newest_are_named(site: SmallSite) -> None:
    for number in range(24):  # r5 to r28
        with site.picker().edit(f"try {number}") as edit:
            images.change(edit.state, "web", {"params": (f"try={number}",)})
    said = site.picker().rollback(Rollback(("web",), to="r2")).notes
    undone = [note for note in said if note.startswith("undoes ")]
    assert len(undone) == 21
    assert undone[0] == "undoes r28 of web by ann: try 23"
    assert undone[-1] == (
        "undoes 5 older ones of web too, r4 to r8, by ann: kp log --image web"
    )


def test_what_was_rolled_away_from_is_bad_and_can_become_default_only_by_force(
    site: SmallSite,
) -> None:
    bad = default_boot(site.picker().view(), "web")
    assert bad
    site.picker().rollback(WEB)
    state = site.picker().view()
    assert state.verdict(bad.payload.id) is not None
    assert not is_good(state, bad.payload)
    with pytest.raises(Refused, match="known bad"):
        second_kernel(site.picker())
    two = sites.add_kernel(site.picker(), "6.2", modules=True)
    with site.picker().edit("again", force="the switch was at fault") as edit:
        sites.put_kernel(edit.state, "web", two)
        fields = {"kernel": "6.2", "method": "mixed", "params": ("quiet", "panic=10")}
        entries.add(edit.state, "web", "next", fields, default=True)
    assert edit.outcome
    record = site.picker().site.record(edit.outcome.commit)
    assert "Forced: the switch was at fault" in record.body


def test_the_same_kernel_with_another_initrd_needs_force_too(site: SmallSite) -> None:
    site.picker().rollback(WEB)
    picker = site.picker()
    two = sites.add_kernel(picker, "6.2", modules=True)
    ref = picker.site.artifacts.add_stream([b"mkinitramfs ran again"])
    initrd = two.artifacts.initrd[0].model_copy(
        update={"sha256": ref.sha256, "size": ref.size}
    )
    again = two.model_copy(
        update={"artifacts": two.artifacts.model_copy(update={"initrd": (initrd,)})}
    )
    with pytest.raises(Refused, match="known bad"), picker.edit("rebuilt") as edit:
        sites.put_kernel(edit.state, "web", again)
        fields = {"kernel": "6.2", "method": "mixed", "params": ("quiet", "panic=10")}
        entries.add(edit.state, "web", "next", fields, default=True)


def test_two_people_do_not_roll_back_twice(site: SmallSite) -> None:
    ann = site.picker().rollback(WEB)
    bob = replace(site, user="bob").picker().rollback(WEB)
    assert (ann.revision, bob.revision) == ("r5", "")
    assert "known good" in notes(bob)
    assert "further back" in notes(bob)
    assert site.picker().site.record(site.picker().site.tip()).revision == 5


def test_a_second_rollback_from_a_state_that_is_a_rollback_changes_nothing(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import, second_kernel)
    site.picker().rollback(Rollback(("web",), to="r2"))
    again = site.picker().rollback(WEB)
    assert again.revision == ""
    assert "was rolled back already: r4 by ann" in notes(again)


def test_a_rollback_to_what_is_known_bad_says_so_and_is_no_resting_place(
    site: SmallSite,
) -> None:
    site.picker().rollback(WEB)
    bad = site.picker().rollback(Rollback(("web",), to="r4"))
    assert "image web: next, its default now, is known bad" in notes(bad)
    assert site.picker().rollback(WEB).revision == "r7"
    assert default_of(site) == "production"


def test_a_half_edited_draft_is_left_alone(site: SmallSite) -> None:
    with site.picker().edit() as draft:
        images.change(draft.state, "web", {"params": ("root=/dev/half",)})
    site.picker().rollback(WEB)
    assert default_of(site) == "production"
    assert site.picker().view().image("web").params == ("root=/dev/half",)


def test_nodes_pinned_to_the_bad_entry_are_freed_and_named(site: SmallSite) -> None:
    picker = site.picker()
    with picker.edit("pin") as edit:
        nodes.set_next(edit.state, [name(0), name(1)], "next")
        nodes.set_next(edit.state, [name(2)], "rescue")
    outcome = site.picker().rollback(WEB)
    assert f"next boot cleared on {name(0)[:-1]}[0-1]" in notes(outcome).replace(
        "n[000-001]", "n00[0-1]"
    )
    state = site.picker().view()
    assert state.node(name(0)).next is None
    assert state.node(name(2)).next is not None
    assert "web/production" in menu(site, 0)


def test_with_one_target_unmounted_the_other_goes_back_and_exit_is_six(
    site: SmallSite,
) -> None:
    away = site.where / "away"
    site.tree.rename(away)
    outcome = site.picker().rollback(WEB)
    assert {t.name: t.condition for t in outcome.targets} == {
        "disk": "absent",
        "net": "live",
    }
    assert [t.name for t in outcome.behind] == ["disk"]
    assert "web/production" in menu(site, 0)
    away.rename(site.tree)
    after = sites.small_edit(site.picker())
    assert after.notes == ["target disk was behind and comes along"]
    assert "production" in (site.tree / "boot/grub/grub.cfg").read_text()


def test_a_target_that_fails_never_stops_a_rollback(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "/tftp")

    with monkeypatch.context() as patch:
        patch.setattr("kpstore.targets.tftp.target.TftpTarget.stage", full)
        with pytest.raises(Refused, match="target net can't be staged"):
            sites.moving_nodes(site.picker())
        outcome = site.picker().rollback(WEB)
    assert outcome.revision == "r5"
    assert {t.name for t in outcome.behind} == {"net"}
    assert "web/next" in menu(site, 0)
    site.picker().rollback(WEB)  # changes nothing, but finishes what was begun
    assert "web/production" in menu(site, 0)


def test_without_an_index(site: SmallSite) -> None:
    shutil.rmtree(site.root / "cache")
    assert site.picker().rollback(WEB).revision == "r5"
    assert default_of(site) == "production"


def test_with_a_damaged_index(site: SmallSite) -> None:
    index = site.root / "cache/index.db"
    index.write_bytes(b"not a database, for sure" * 100)
    assert site.picker().rollback(WEB).revision == "r5"


def test_from_a_restored_older_backup_the_target_is_ahead_and_left_alone(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import, call_good)
    shutil.copytree(site.root, tmp_path / "backup", symlinks=True)
    second_kernel(site.picker())
    served = menu(site, 0)
    shutil.rmtree(site.root)
    (tmp_path / "backup").rename(site.root)
    with site.picker().edit("after the restore") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sdb1",)})
    assert edit.outcome
    assert {t.condition for t in edit.outcome.ahead} == {"ahead"}
    assert menu(site, 0) == served
    picker = site.picker()
    forced = picker.publish(Publish(("net",), force=True))
    assert [t.condition for t in forced] == ["live"]
    assert "root=/dev/sdb1" in menu(site, 0)


def test_nodes_that_the_older_state_cannot_resolve_get_the_policy_and_are_named(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import)
    picker = site.picker()
    with picker.edit("racks") as edit:
        for number in (4, 5):
            nodes.change(edit.state, [name(number)], {}, variables={"rack": "r1"})
        entries.change(
            edit.state, "gpu", "run", {}, add_params=("rack={node.var.rack}",)
        )
    with site.picker().edit("no racks") as edit:
        entries.change(edit.state, "gpu", "run", {}, remove_params=("rack",))
    with site.picker().edit("forget") as edit:
        node = edit.state.node(name(5))
        edit.state.put(Key("node", name(5)), node.model_copy(update={"vars": {}}))
    outcome = site.picker().rollback(Rollback(("gpu",), to="r3"))
    assert outcome.revision == "r6"
    assert f"{name(5)} can't be resolved" in notes(outcome)
    assert "LOCALBOOT" in menu(site, 5)
    assert "rack=r1" in menu(site, 4)


def test_with_to_nobody_is_blamed_unless_asked(site: SmallSite) -> None:
    before = default_boot(site.picker().view(), "web")
    assert before
    site.picker().rollback(Rollback(("web",), to="r2"))
    assert bad_verdict(site.picker().view(), before.payload) is None


def test_with_to_and_blame(site: SmallSite) -> None:
    before = default_boot(site.picker().view(), "web")
    assert before
    site.picker().rollback(Rollback(("web",), to="r2", blame=True))
    assert bad_verdict(site.picker().view(), before.payload) is not None


def test_no_blame(site: SmallSite) -> None:
    before = default_boot(site.picker().view(), "web")
    assert before
    site.picker().rollback(Rollback(("web",), blame=False))
    assert bad_verdict(site.picker().view(), before.payload) is None


def test_a_dry_run_changes_nothing(site: SmallSite) -> None:
    tip = site.picker().site.tip()
    outcome = site.picker().rollback(Rollback(("web",), dry_run=True))
    assert (outcome.commit, outcome.nodes_changed) == ("", 4)
    assert site.picker().site.tip() == tip


def test_later_changes_of_others_stay(site: SmallSite) -> None:
    sites.small_edit(site.picker())
    with site.picker().edit("a node") as edit:
        nodes.add(edit.state, "late", {"macs": ("02:00:00:00:09:09",), "image": "web"})
    params = site.picker().view().image("gpu").params
    site.picker().rollback(WEB)
    state = site.picker().view()
    assert state.image("gpu").params == params
    assert state.node("late").image == "web"
    assert (site.tftp / "pxelinux.cfg/01-02-00-00-00-09-09").exists()


def test_all_images_in_one_commit(site: SmallSite) -> None:
    site.picker().judge("good", [("gpu", None, None)], "runs")
    with site.picker().edit("gpu") as edit:
        entries.change(edit.state, "gpu", "run", {}, add_params=("x=1",))
    outcome = site.picker().rollback(Rollback())
    assert site.picker().site.record(outcome.commit).images == ("gpu", "web")
    assert default_of(site) == "production"


def test_an_image_without_anything_good_is_refused_with_a_way_on(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import, second_kernel)
    with pytest.raises(Refused, match="no earlier known-good state") as caught:
        site.picker().rollback(WEB)
    assert "--to REV" in caught.value.hint


def test_an_image_that_was_not_there_then(site: SmallSite) -> None:
    with pytest.raises(NotFound, match="did not exist then"):
        site.picker().rollback(Rollback(("web",), to="r1"))
    with pytest.raises(NotFound, match="no image 'wbe'"):
        site.picker().rollback(Rollback(("wbe",)))


def test_a_state_whose_files_are_gone_is_passed_over_by_name(site: SmallSite) -> None:
    picker = site.picker()
    kernel = picker.view("r2").kernel("web", "6.1")
    picker.site.artifacts.remove(kernel.artifacts.vmlinuz.sha256, before=1e12)
    with pytest.raises(Refused, match=r"r2 lacks"):
        site.picker().rollback(WEB)
    with pytest.raises(Refused, match="has lost its files"):
        site.picker().rollback(Rollback(("web",), to="r2"))


def test_rollback_costs_no_more_the_further_back_it_goes(site: SmallSite) -> None:
    for at in range(5):
        with site.picker().edit(f"step {at}") as edit:
            images.change(edit.state, "web", {"params": (f"step={at}",)})
    outcome = site.picker().rollback(WEB)
    [net] = [t for t in outcome.targets if t.name == "net"]
    assert net.files_written <= 12
    assert State(site.picker().site.main()).image("web").default == "production"
