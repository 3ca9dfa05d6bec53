"""The commit protocol, sentence by sentence: docs/architecture.md, section 5.

What crashes and failing disks leave is swept by tests/crash; here is what each step
promises when it is told no, or when a target is not as it should be.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kpstore.edits import images, nodes
from kpstore.errors import Conflict, KpError, Locked, Refused
from kpstore.history import drafts
from kpstore.history.git import refs
from kpstore.history.git.repository import Repository
from kpstore.history.index.database import Index
from kpstore.history.revisions import Query
from kpstore.history.snapshot import Snapshot
from kpstore.model.keys import Key
from kpstore.operations.proposal import Proposal
from kpstore.operations.publish import Publish
from kpstore.operations.retention import Keeping
from kpstore.operations.rollback import Rollback
from kpstore.operations.transaction import Transaction
from kpstore.picker import KernelPicker
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets.tftp import stage as tftp_stage
from kpstore.targets.tftp import target as tftp
from kpstore.targets.tftp.switch import StagedGeneration
from kpstore.targets.tree import stage as tree_stage
from kpstore.targets.tree.target import TreeStaged
from support import bootcheck, sites
from support.cli import digest
from support.crash.seeded import replaced
from support.kpstories import never_switched
from support.sites import SmallSite, call_good, first_import, name, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site whose image web was good on 6.1 and boots 6.2 since."""
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def served(site: SmallSite) -> tuple[str, ...]:
    """Return what is below the roots of the targets, whoever's it is."""
    return tuple(digest(root) for root in (site.tftp, site.tree))


def whole(site: SmallSite) -> object:
    """Return what a failure must leave as it is: main, the draft, the targets."""
    repository = site.picker().site.repository
    draft = repository.tip(drafts.ref_of(site.user))
    return site.picker().site.tip(), draft, served(site)


def draft(site: SmallSite, *params: str) -> None:
    with site.picker().edit() as edit:
        images.change(edit.state, "web", {"params": params})


def conditions(picker: KernelPicker) -> dict[str, str]:
    main = picker.site.main()
    return {
        target.name: target.condition(main.subtree, picker.site.on_main)
        for target in picker.site.targets(picker.view("HEAD"))
    }


def refuse(*_: object, **__: object) -> None:
    raise OSError(5, "Input/output error", "/a/disk")


# --- the order of the steps


def test_image_trees_are_switched_before_tftp_roots(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(kind: type[Any]) -> None:
        real = kind.switch

        def switch(staged: Any) -> int:
            order.append(kind.__name__)
            written: int = real(staged)
            return written

        monkeypatch.setattr(kind, "switch", switch)

    noted(StagedGeneration)
    noted(TreeStaged)
    draft(site, "root=/dev/sdb1")
    site.picker().commit("both")
    assert order == ["TreeStaged", "StagedGeneration"]


STEPS: dict[str, tuple[object, str]] = {
    "2 checking": (Proposal, "check"),
    "4 writing objects": (Repository, "write"),
    "5 no room on the TFTP root": (tftp_stage, "require"),
    "5 no room in the image tree": (tree_stage, "require"),
    "5 staging a target": (SiteTarget, "stage"),
    "6 advancing main": (Repository, "advance"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_before_the_commit_point_changes_nothing(
    site: SmallSite, step: str
) -> None:
    draft(site, "root=/dev/sdb1")
    before = whole(site)
    where, attribute = STEPS[step]
    with replaced(where, **{attribute: refuse}), pytest.raises(KpError):
        site.picker().commit("never")
    assert whole(site) == before
    outcome = site.picker().commit("now")
    assert [t.condition for t in outcome.targets] == ["live", "live"]
    assert bootcheck.clean(site) == []


def test_one_target_staged_and_the_next_refused_leaves_neither(
    site: SmallSite,
) -> None:
    draft(site, "root=/dev/sdb1")
    before = whole(site)
    order: list[str] = []
    real = SiteTarget.stage

    def stage(target: SiteTarget, made: Any, leeway: Any) -> Any:
        order.append(target.name)
        return real(target, made, leeway)

    with (
        replaced(SiteTarget, stage=stage),
        replaced(tftp, write_generation=refuse),
        pytest.raises(KpError),
    ):
        site.picker().commit("never")
    assert order == ["disk", "net"]
    assert whole(site) == before


def test_a_live_target_that_can_not_be_staged_may_be_left_behind(
    site: SmallSite,
) -> None:
    draft(site, "root=/dev/sdb1")
    with replaced(tftp_stage, require=refuse):
        with pytest.raises(Refused) as caught:
            site.picker().commit("both")
        assert "--without net" in caught.value.hint
        before = digest(site.tftp)
        outcome = site.picker().commit("one", without=["net"])
    assert {t.name: t.condition for t in outcome.targets} == {
        "disk": "live",
        "net": "lagging",
    }
    assert digest(site.tftp) == before
    sites.small_edit(site.picker())
    assert digest(site.tftp) == before
    picker = site.picker()
    picker.publish(Publish(("net",)))
    assert conditions(site.picker()) == {"disk": "live", "net": "live"}


@pytest.mark.parametrize(
    ("where", "step"), [(OpenSite, "feed_index"), (Keeping, "sweep_targets")]
)
def test_what_fails_after_the_commit_point_is_a_warning(
    site: SmallSite, where: type, step: str
) -> None:
    for number in range(3):  # the eighth revision sweeps
        sites.small_edit(site.picker())
        assert (
            site.picker().site.record(site.picker().site.tip()).revision == 5 + number
        )
    with replaced(where, **{step: refuse}):
        outcome = sites.small_edit(site.picker())
    assert outcome.revision == "r8"
    assert not outcome.behind
    [warning] = outcome.warnings
    assert "committed; after that" in warning
    assert "/a/disk" in warning
    sites.small_edit(site.picker())
    assert bootcheck.clean(site) == []


def test_an_index_behind_main_is_fed_by_the_next_writer(site: SmallSite) -> None:
    with replaced(OpenSite, feed_index=lambda *_: None, keep_index=lambda _: None):
        sites.small_edit(site.picker())
    behind = site.picker().site
    assert behind.from_index(behind.tip(), Index.head) is None
    sites.small_edit(site.picker())
    after = site.picker().site
    assert after.from_index(after.tip(), Index.head) == after.tip()


# --- what is begun is finished


def next_commit(site: SmallSite) -> None:
    sites.small_edit(site.picker())


def publish(site: SmallSite) -> None:
    picker = site.picker()
    picker.publish()


def roll_back(site: SmallSite) -> None:
    sites.roll_back(site.picker())


WRITERS = [next_commit, publish, roll_back]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_crash_after_the_commit_point_is_finished_by_who_publishes_next(
    site: SmallSite, writer: Callable[[SmallSite], None]
) -> None:
    before = served(site)
    with never_switched():
        sites.moving_nodes(site.picker())
    assert served(site) != before, "it was staged"
    assert conditions(site.picker()) == {"disk": "live", "net": "lagging"}
    pending = site.picker().why(site.picker().view(), name(0)).served
    assert ("net", "lagging") in [each[:2] for each in pending]
    writer(site)
    assert conditions(site.picker()) == {"disk": "live", "net": "live"}
    assert bootcheck.clean(site) == []


# --- targets that are not live


def test_a_target_whose_inputs_did_not_change_is_not_touched(site: SmallSite) -> None:
    before, tree = site.picker().site.tip(), digest(site.tree)
    outcome = sites.small_edit(site.picker())  # of image gpu
    live = {each.name: each.live for each in outcome.targets}
    assert live == {"disk": before, "net": outcome.commit}
    assert digest(site.tree) == tree
    assert conditions(site.picker()) == {"disk": "live", "net": "live"}


def wiped(site: SmallSite) -> None:
    """Leave mount points with nothing in them."""
    for root in (site.tftp, site.tree):
        shutil.rmtree(root)
        root.mkdir()


def forced(site: SmallSite) -> None:
    picker = site.picker()
    picker.publish(
        Publish(
            (
                "net",
                "disk",
            ),
            force=True,
        )
    )


def settings_of_targets(site: SmallSite) -> None:
    with site.picker().edit("options") as edit:
        for each in ("net", "disk"):
            target = edit.state.target(each)
            options = target.options.model_copy(update={"grub_dir": "boot/grub"})
            changed = target.model_copy(update={"options": options})
            edit.state.put(Key("target", each), changed)


@pytest.mark.parametrize("writer", [*WRITERS, forced, settings_of_targets])
def test_nothing_is_ever_made_on_a_target_that_is_absent(
    site: SmallSite, writer: Callable[[SmallSite], None]
) -> None:
    wiped(site)
    writer(site)
    assert list(site.tftp.iterdir()) == list(site.tree.iterdir()) == []
    assert conditions(site.picker()) == {"disk": "absent", "net": "absent"}


@pytest.mark.parametrize("writer", [*WRITERS, settings_of_targets])
def test_a_target_that_is_ahead_is_left_alone_until_it_is_forced(
    site: SmallSite, writer: Callable[[SmallSite], None]
) -> None:
    backup = site.where / "backup"
    shutil.copytree(site.root, backup, symlinks=True)
    with site.picker().edit("lost with the head node") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/lost",)})
    shutil.rmtree(site.root)
    backup.rename(site.root)
    before = served(site)
    writer(site)
    assert conditions(site.picker()) == {"disk": "ahead", "net": "ahead"}
    assert served(site) == before
    forced(site)
    assert conditions(site.picker()) == {"disk": "live", "net": "live"}
    for each in site.picker().verify(deep=True):
        assert each.findings == []


def test_a_target_that_is_ahead_is_named_with_what_it_serves_and_main(
    site: SmallSite,
) -> None:
    backup = site.where / "backup"
    shutil.copytree(site.root, backup, symlinks=True)
    lost = sites.roll_back(site.picker()).commit
    shutil.rmtree(site.root)
    backup.rename(site.root)
    outcome = sites.small_edit(site.picker())
    told = {each.name: each.problem for each in outcome.ahead}
    assert set(told) == {"disk", "net"}
    for problem in told.values():
        assert f"r5 {lost[:12]}" in problem
        assert f"r5 {outcome.commit[:12]}" in problem
    picker = site.picker()
    found = {each.name: each.problem for each in picker.publish()}
    assert lost[:12] in found["net"]
    assert outcome.commit[:12] in found["net"]


def hold(site: SmallSite, reason: str) -> None:
    picker = site.picker()
    for target in picker.site.targets(picker.view("HEAD")):
        assert target.publisher
        target.publisher.set_hold(reason)


@pytest.mark.parametrize("writer", [*WRITERS, settings_of_targets])
def test_a_target_on_hold_is_left_alone_until_it_is_released(
    site: SmallSite, writer: Callable[[SmallSite], None]
) -> None:
    hold(site, "nodes are being measured")
    before = served(site)
    writer(site)
    assert conditions(site.picker()) == {"disk": "on hold", "net": "on hold"}
    assert served(site) == before
    hold(site, "")
    next_commit(site)
    assert conditions(site.picker()) == {"disk": "live", "net": "live"}


# --- main, drafts, merging


@pytest.mark.parametrize("writer", WRITERS)
def test_a_tip_that_kp_did_not_write_is_never_published(
    site: SmallSite, writer: Callable[[SmallSite], None]
) -> None:
    git = ["git", "-C", str(site.root / "state.git"), "-c", "user.name=x"]
    git += ["-c", "user.email=x@y"]
    tree = subprocess.check_output([*git, "rev-parse", "main~1^{tree}"])
    made = ["commit-tree", "-p", "main", "-m", "by hand", tree.decode().strip()]
    tip = subprocess.check_output([*git, *made]).decode().strip()
    subprocess.run([*git, "update-ref", "refs/heads/main", tip], check=True)
    before = served(site)
    with pytest.raises(Refused, match="not written by kp") as caught:
        writer(site)
    assert "kp doctor" in caught.value.hint
    assert served(site) == before


def test_a_foreign_lock_on_main_stops_a_commit_and_stays(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft(site, "root=/dev/sdb1")
    before = whole(site)
    lock = site.root / "state.git/refs/heads/main.lock"
    lock.write_text("")
    real = refs.advance

    def impatient(*args: Any, wait: float, **more: Any) -> None:
        real(*args, wait=min(wait, 0.05), **more)

    monkeypatch.setattr(refs, "advance", impatient)
    with pytest.raises(Locked, match="another program"):
        site.picker().commit("never")
    assert lock.exists()
    lock.unlink()
    assert whole(site) == before
    assert site.picker().commit("now").revision == "r5"


def test_an_edit_with_a_message_is_made_under_the_lock_and_drafts_nothing(
    site: SmallSite,
) -> None:
    with site.picker().edit("at once") as edit:
        images.change(edit.state, "web", {"params": ()})
        with pytest.raises(Locked):
            second = replace(site, user="bob", wait=0).picker()
            second.judge("good", [("gpu", None, None)], "meanwhile")
    assert edit.outcome
    assert edit.outcome.revision == "r5"
    assert site.picker().site.drafts() == {}


def test_a_conflict_loses_nothing_of_either_side(site: SmallSite) -> None:
    bob = replace(site, user="bob")
    draft(site, "root=/dev/ann")
    with bob.picker().edit("bob's") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/bob",)})
    before = whole(site)
    for again in (site.picker().plan, lambda: site.picker().commit("ann's")):
        with pytest.raises(Conflict):
            again()
    assert whole(site) == before
    bob.picker().revert("HEAD", "after you")
    assert site.picker().commit("ann's").revision == "r7"
    assert site.picker().view().image("web").params == ("root=/dev/ann",)


def test_a_draft_that_is_pushed_while_its_user_commits_is_not_lost(
    site: SmallSite,
) -> None:
    """Git's pushes know nothing of kp's lock."""
    draft(site, "root=/dev/first")
    ref, real = drafts.ref_of(site.user), Transaction._advance

    def pushed(transaction: Transaction, snapshot: Snapshot) -> str:
        repository = site.picker().site.repository
        params = {"params": ("root=/dev/second",)}
        image = site.picker().view("HEAD").image("web").model_copy(update=params)
        base = transaction.proposal.base.commit or ""
        drafts.save(
            repository,
            site.user,
            base,
            {Key("image", "web"): image},
            expected=repository.tip(ref),
            author="Ann <ann@head>",
            time=0,
            host="head",
        )
        return real(transaction, snapshot)

    with replaced(Transaction, _advance=pushed):
        outcome = site.picker().commit("the first")
    assert site.picker().site.repository.tip(ref)
    [warning] = outcome.warnings
    assert "the draft stays" in warning
    with pytest.raises(Conflict, match="/dev/second"):
        site.picker().commit("the second")


def test_drafts_of_one_node_merge_by_field_and_of_two_by_line(site: SmallSite) -> None:
    bob = replace(site, user="bob")
    with site.picker().edit() as edit:
        nodes.change(edit.state, [name(0)], {"index": 40})
    with bob.picker().edit() as edit:
        nodes.change(edit.state, [name(0)], {"image": "gpu"})
        nodes.change(edit.state, [name(1)], {"index": 41})
    site.picker().commit("ann's")
    bob.picker().commit("bob's")
    found = [site.picker().view().node(name(number)) for number in (0, 1)]
    assert [(n.image, n.index) for n in found] == [("gpu", 40), ("web", 41)]


# --- who waits for whom, and what is written down


def test_readers_wait_for_nobody(site: SmallSite) -> None:
    draft(site, "root=/dev/sdb1")
    now = replace(site, wait=0)
    with site.picker().writing():
        with pytest.raises(Locked):
            now.picker().commit("has to wait")
        picker = now.picker()
        assert picker.plan().nodes_changed == 4
        assert len(picker.log(Query())) == 4
        assert picker.why(picker.view(), name(0)).entry
        assert picker.show("HEAD").record.revision == 4
        assert {each.condition for each in picker.verify(deep=True)} == {"live"}
        assert picker.rollback(Rollback(("web",), dry_run=True)).nodes_changed == 4


def test_nodes_that_a_commit_names_are_folded_up_to_a_thousand_and_then_counted(
    site: SmallSite,
) -> None:
    def told(count: int, first: int) -> str:
        with site.picker().edit(f"{count} nodes") as edit:
            for number in range(first, first + count):
                put = {"macs": (sites.mac(number),), "image": "gpu", "index": number}
                nodes.add(edit.state, f"m{number:05}", put)
            images.change(edit.state, "web", {"params": (f"at={first}",)})
        assert edit.outcome
        return site.picker().site.record(edit.outcome.commit).nodes

    assert told(1000, 100) == "m[00100-01099], image:web 4"
    assert told(1001, 2000) == "1001, image:web 4"
