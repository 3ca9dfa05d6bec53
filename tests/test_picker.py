"""The facade: drafts, plans, commits, reverting, verdicts."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, groups, images, nodes, targets
from kpstore.errors import Conflict, InvalidInput, KpError, NotFound, Refused
from kpstore.history.index.feed import rebuild
from kpstore.history.revisions import Query
from kpstore.model.keys import Key
from kpstore.picker import KernelPicker
from kpstore.queries.entry import shown_entry
from kpstore.site.opened import OpenSite
from support import sites
from support.sites import SmallSite, call_good, first_import, mac, name, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import)


def params(
    site: SmallSite, *tokens: str, user: str = "ann", image: str = "web"
) -> None:
    """Edit a user's draft."""
    with replace(site, user=user).picker().edit() as edit:
        images.change(edit.state, image, {"params": tokens})


def revision(site: SmallSite) -> int:
    picker = site.picker()
    return picker.site.record(picker.site.tip()).revision


def test_a_draft_is_not_live_until_it_is_committed(site: SmallSite) -> None:
    before = site.picker().site.tip()
    params(site, "root=/dev/sdz1")
    assert site.picker().site.tip() == before
    assert site.picker().view().image("web").params == ("root=/dev/sdz1",)
    assert replace(site, user="bob").picker().view().image("web").params != (
        "root=/dev/sdz1",
    )
    outcome = site.picker().commit("another disk")
    assert (outcome.revision, outcome.nodes_changed) == ("r3", 4)
    menu = site.tftp / f"pxelinux.cfg/01-{mac(0).replace(':', '-')}"
    assert "root=/dev/sdz1" in menu.read_text()
    assert site.picker().plan().nodes_changed == 0


def test_an_empty_commit_is_no_commit(site: SmallSite) -> None:
    outcome = site.picker().commit("nothing")
    assert (outcome.revision, outcome.notes) == ("", ["nothing to do"])
    assert revision(site) == 2


def test_a_plan_names_files_and_nodes_and_holds_the_commit_to_itself(
    site: SmallSite,
) -> None:
    params(site, "root=/dev/sdz1")
    plan = site.picker().plan()
    assert (plan.nodes, plan.nodes_changed) == ("n[000-003]", 4)
    assert plan.changes == ["image web"]
    [net] = [each for each in plan.targets if each.name == "net"]
    assert any("pxelinux" in path for path in net.write)
    params(site, "root=/dev/sdy1")
    with pytest.raises(Conflict, match="is not what would be committed"):
        site.picker().commit("late", plan=plan.id)
    assert revision(site) == 2
    assert site.picker().commit("held", plan=site.picker().plan().id).revision == "r3"


def test_drafts_of_two_people_merge_by_field(site: SmallSite) -> None:
    params(site, "root=/dev/ann")
    with replace(site, user="bob").picker().edit() as edit:
        images.change(edit.state, "web", {"required_modules": ("e1000",)})
    site.picker().commit("ann's")
    replace(site, user="bob").picker().commit("bob's")
    image = site.picker().view().image("web")
    assert image.params == ("root=/dev/ann",)
    assert image.required_modules == ("e1000",)


def test_a_true_conflict_names_both_commits_and_the_fields(site: SmallSite) -> None:
    params(site, "root=/dev/ann")
    params(site, "root=/dev/bob", user="bob")
    site.picker().commit("ann's")
    tip = site.picker().site.tip()
    with pytest.raises(Conflict) as caught:
        replace(site, user="bob").picker().commit("bob's")
    for word in (tip[:12], "image web: params", "/dev/ann", "/dev/bob"):
        assert word in caught.value.message
    assert replace(site, user="bob").picker().discard()


def test_an_edit_with_a_message_goes_beside_a_draft_of_another_field(
    site: SmallSite,
) -> None:
    params(site, "root=/dev/half")
    second_kernel(site.picker())
    assert call_good(site.picker()).revision == "r4"
    assert site.picker().view().image("web").params == ("root=/dev/half",)
    assert site.picker().view("HEAD").image("web").params != ("root=/dev/half",)
    assert site.picker().commit("the rest").revision == "r5"
    assert site.picker().view("HEAD").image("web").params == ("root=/dev/half",)


def test_an_edit_with_a_message_is_refused_where_the_draft_sets_the_same_field(
    site: SmallSite,
) -> None:
    params(site, "root=/dev/half")
    before = site.picker().site.tip()
    for dry_run in (False, True):
        with (
            pytest.raises(Conflict) as caught,
            site.picker().edit("mine", dry_run=dry_run) as edit,
        ):
            images.change(edit.state, "web", {"params": ("root=/dev/x",)})
        assert caught.value.message == (
            "image web: params is root=/dev/x by this edit, "
            "root=/dev/half in your draft"
        )
    assert site.picker().site.tip() == before
    with site.picker().edit("the same") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/half",)})
    assert edit.outcome
    assert site.picker().plan().changes == []


def test_a_conflict_that_was_there_before_stops_no_edit_of_another_field(
    site: SmallSite,
) -> None:
    params(site, "root=/dev/ann")
    params(site, "root=/dev/bob", user="bob")
    replace(site, user="bob").picker().commit("bob's")
    second_kernel(site.picker())
    with (
        pytest.raises(Conflict, match="/dev/c by this edit, root=/dev/ann in your"),
        site.picker().edit("a third") as edit,
    ):
        images.change(edit.state, "web", {"params": ("root=/dev/c",)})
    with pytest.raises(Conflict, match="/dev/bob on main, root=/dev/ann in the draft"):
        site.picker().commit("ann's")


def test_a_plan_names_the_files_of_targets_that_the_draft_adds(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    picker = site.create()
    with picker.edit() as edit:
        sites.lay_out(picker, edit.state)
    before = sites.files_of(site)
    plan = {each.name: each for each in picker.plan().targets}
    assert {each.condition for each in plan.values()} == {"absent"}
    entry = f"pxelinux.cfg/01-{mac(0).replace(':', '-')}"
    assert entry in plan["net"].write and "boot/grub/grub.cfg" in plan["disk"].write
    assert sites.files_of(site) == before, "a plan writes nothing"
    written = {each.name: each.files_written for each in picker.commit("all").targets}
    assert written == {name: len(each.write) for name, each in plan.items()}


def test_a_plan_for_a_target_that_changes_is_of_all_it_serves(site: SmallSite) -> None:
    with site.picker().edit() as edit:
        new = edit.state.target("net").model_copy(update={"loaders": ("grub", "ipxe")})
        edit.state.put(Key("target", "net"), new)
    plan = {each.name: each for each in site.picker().plan().targets}
    assert all("pxelinux.cfg" in path for path in plan["net"].remove)
    assert plan["net"].remove and not plan["disk"].write


def test_a_dry_run_shows_the_plan_and_commits_nothing(site: SmallSite) -> None:
    with site.picker().edit("try", dry_run=True) as edit:
        images.change(edit.state, "web", {"params": ()})
    assert edit.plan
    assert edit.plan.nodes_changed == 4
    assert edit.outcome is None
    assert revision(site) == 2


def test_an_error_inside_an_edit_changes_nothing(site: SmallSite) -> None:
    with pytest.raises(NotFound), site.picker().edit("bad") as edit:
        images.change(edit.state, "web", {"params": ()})
        images.change(edit.state, "nope", {})
    assert revision(site) == 2


def test_a_bad_state_is_refused_before_anything_is_written(site: SmallSite) -> None:
    objects = set((site.root / "state.git/objects").rglob("*"))
    with pytest.raises(KpError), site.picker().edit("bad") as edit:
        nodes.add(edit.state, "twin", {"macs": (mac(0),), "image": "web"})
    assert set((site.root / "state.git/objects").rglob("*")) == objects


def test_a_command_line_that_loaders_cut_is_refused(site: SmallSite) -> None:
    long = tuple(f"key{n}={'x' * 200}" for n in range(10))
    with pytest.raises(Refused, match="1,950"), site.picker().edit("long") as edit:
        images.change(edit.state, "web", {"params": long})


def test_a_network_entry_without_panic_gets_a_warning(site: SmallSite) -> None:
    with site.picker().edit("no panic") as edit:
        entries.add(edit.state, "web", "quiet", {"kernel": "6.1"})
    assert edit.outcome
    assert any("panic=" in warning for warning in edit.outcome.warnings)


def test_a_kernel_without_its_files_is_refused(site: SmallSite) -> None:
    kernel = site.picker().view().kernel("web", "6.1")
    gone = kernel.model_copy(
        update={
            "artifacts": kernel.artifacts.model_copy(
                update={
                    "vmlinuz": kernel.artifacts.vmlinuz.model_copy(
                        update={"sha256": "0" * 64}
                    )
                }
            )
        }
    )
    with pytest.raises(NotFound, match="000000000000"), site.picker().edit("k") as edit:
        edit.state.put(Key("kernel", "lost", "web"), gone)


def test_reverting_one_commit_keeps_the_later_ones(site: SmallSite) -> None:
    second_kernel(site.picker())
    sites.small_edit(site.picker())
    later = site.picker().view().image("gpu").params
    edit = site.picker().revert("r3", "not that kernel")
    assert edit.outcome
    assert edit.outcome.revision == "r5"
    state = site.picker().view()
    assert state.image("web").default == "production"
    assert state.image("gpu").params == later
    assert site.picker().site.record(edit.outcome.commit).reverts == "r3"


def test_reverting_what_was_changed_again_is_a_conflict(site: SmallSite) -> None:
    for token in ("root=/dev/one", "root=/dev/two"):
        params(site, token)
        site.picker().commit(token)
    with pytest.raises(Conflict, match="image web: params"):
        site.picker().revert("r3", "undo")
    with pytest.raises(InvalidInput, match="first commit"):
        site.picker().revert("r1", "undo")


def test_a_dry_revert(site: SmallSite) -> None:
    second_kernel(site.picker())
    edit = site.picker().revert("r3", "undo", dry_run=True)
    assert edit.plan
    assert edit.plan.nodes_changed == 4
    assert revision(site) == 3


def test_verdicts_touch_no_target(site: SmallSite) -> None:
    outcome = call_good(site.picker())
    assert [t.files_written for t in outcome.targets] == [0, 0]
    live = {t.live for t in outcome.targets}
    assert live == {site.picker().site.resolve("r2")}


def test_the_record_says_who_what_and_with_which_arguments(site: SmallSite) -> None:
    caller = replace(site.picker().caller, ticket="T-17", author="Ann Example")
    picker = KernelPicker.open(site.root, caller)
    with picker.edit("why\n\nbecause") as edit:
        images.change(edit.state, "web", {"params": ()})
    assert edit.outcome
    shown = picker.show("HEAD")
    assert shown.revision.author == "Ann Example"
    assert shown.record.body == "because"
    assert shown.record.ticket == "T-17"
    assert shown.record.argv == ("kp", "test")
    assert shown.record.nodes == "image:web 4"
    assert [(c.document, c.field) for c in shown.changes] == [("image web", "params")]


def test_real_git_reads_all_of_it(site: SmallSite, tmp_path: Path) -> None:
    second_kernel(site.picker())
    sites.moving_nodes(site.picker())
    git = site.root / "state.git"
    run = subprocess.run(
        ["git", "-C", git, "fsck", "--strict", "--full"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr + run.stdout == ""
    subprocess.run(
        [
            "git",
            "-c",
            "core.hooksPath=/dev/null",
            "clone",
            "-q",
            git,
            tmp_path / "copy",
        ],
        env={"GIT_LFS_SKIP_SMUDGE": "1", "PATH": "/usr/bin:/bin"},
        check=True,
    )
    image = json.loads((tmp_path / "copy/images/web/image.json").read_text())
    assert image["default"] == "next"


def test_the_index_fed_commit_by_commit_equals_one_made_anew(site: SmallSite) -> None:
    second_kernel(site.picker())
    call_good(site.picker())
    sites.moving_nodes(site.picker())
    sites.roll_back(site.picker())
    with site.picker().edit("rack") as edit:
        groups.change(edit.state, "rack1", {}, add_params=("rack=1",))
    opened = OpenSite(site.root)
    fed = opened.index
    assert fed is not None
    assert fed.head() == opened.tip()
    anew = rebuild(site.where / "anew.db", opened.repository, opened.tip())
    assert fed.templates() == anew.templates()
    for query in (
        Query(),
        Query(image="web"),
        Query(node=name(2)),
        Query(op="rollback"),
    ):
        assert fed.revisions(query) == anew.revisions(query)


def test_without_an_index_the_answers_are_the_same(site: SmallSite) -> None:
    second_kernel(site.picker())
    with_index = site.picker().log(Query(image="web"))
    (site.root / "cache/index.db").unlink()
    assert site.picker().log(Query(image="web")) == with_index
    with pytest.raises(InvalidInput, match=mac(0)), site.picker().edit("twin") as edit:
        nodes.add(edit.state, "twin", {"macs": (mac(0),), "image": "web"})


def test_why_names_each_parameters_origin_and_the_commits(site: SmallSite) -> None:
    picker = site.picker()
    why = picker.why(picker.view(), name(0))
    assert why.entry
    origins = {merged.token: merged.origin for merged in why.entry.params}
    assert origins == {
        "root=/dev/sda1": "image web",
        "quiet": "entry web/production",
        "panic=10": "entry web/production",
        "console=ttyS0": "group rack1",
    }
    assert why.reason == "default of image web"
    assert why.last[0].number == 2
    assert ("net", "live") in [served[:2] for served in why.served]


def test_an_entry_is_shown_as_the_node_boots_it(site: SmallSite) -> None:
    picker = site.picker()
    shown = shown_entry(picker.view(), "gpu", "run", name(5))
    assert shown.cmdline == "panic=9 node_id=5"
    menu = site.tftp / f"pxelinux.cfg/01-{mac(5).replace(':', '-')}"
    assert f"APPEND {shown.cmdline}\n" in menu.read_text()
    assert shown.kernel["path"] in menu.read_text()


def test_nothing_is_published_from_a_tip_that_kp_did_not_write(
    site: SmallSite,
) -> None:
    git = ["git", "-C", str(site.root / "state.git")]
    tree = subprocess.check_output([*git, "rev-parse", "main^{tree}"], text=True)
    made = subprocess.check_output(
        [
            *git,
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@y",
            "commit-tree",
            "-p",
            "main",
            "-m",
            "by hand",
            tree.strip(),
        ],
        text=True,
    )
    subprocess.run([*git, "update-ref", "refs/heads/main", made.strip()], check=True)
    with pytest.raises(Refused, match="not written by kp"):
        second_kernel(site.picker())


def test_a_site_is_made_once_and_never_over_something(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    for where in (site.root, site.tftp.parent):
        with pytest.raises(Refused):
            KernelPicker.create(where, site.caller(), site_id="1" * 32, name="x")
    with pytest.raises(NotFound, match="no kp site"):
        KernelPicker.open(tmp_path / "nowhere", site.caller())


def test_a_target_is_made_by_the_commit_that_adds_it_and_left_by_removal(
    site: SmallSite,
) -> None:
    grub = site.tree / "boot/grub/grub.cfg"
    assert "production" in grub.read_text()
    with site.picker().edit("no more") as edit:
        targets.remove(edit.state, "disk")
    assert not grub.exists()
    assert not (site.tree / "boot/kp").exists()
    assert (site.tree / "boot/vmlinuz-6.0").exists()


def test_a_disabled_target_stays_as_it_is_and_catches_up(site: SmallSite) -> None:
    menu = site.tftp / f"pxelinux.cfg/01-{mac(0).replace(':', '-')}"
    with site.picker().edit("pause") as edit:
        targets.enable(edit.state, "net", enabled=False)
    second_kernel(site.picker())
    assert "web/production" in menu.read_text()
    with site.picker().edit("go on") as edit:
        targets.enable(edit.state, "net", enabled=True)
    assert edit.outcome
    assert not edit.outcome.behind
    assert "web/next" in menu.read_text()
