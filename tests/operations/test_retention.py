"""What is kept of the past for the way back, and what goes: docs/format.md."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import entries, images, nodes, targets
from kpstore.errors import Refused
from kpstore.history import drafts
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.rollback import Rollback
from kpstore.site.settings import load, save
from support import sites
from support.cli import digest
from support.kpstories import never_switched
from support.sites import SmallSite
from support.years import age, collect, has, keeping_little, new_default, params


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return keeping_little(tmp_path)


def kept(site: SmallSite) -> list[int]:
    """Return the revisions whose generations are on the TFTP root."""
    picker = site.picker()
    [net] = [t for t in picker.site.targets(picker.view("HEAD")) if t.name == "net"]
    assert net.publisher
    return [revision for revision, _ in net.publisher.generations()]


def in_tree(site: SmallSite, kernel: KernelConfig) -> bool:
    return (site.tree / "boot/kp" / kernel.artifacts.vmlinuz.sha256[:12]).exists()


# --- generations of a TFTP root


def test_live_the_last_ones_and_the_newest_of_each_good_payload(
    site: SmallSite,
) -> None:
    for day in range(1, 4):  # r5 to r7: web still boots what is good since r2
        params(site, day, f"day={day}")
    new_default(site, 4, "6.8")  # r8: what web booted until r7 is good
    for day in range(5, 9):  # r9 to r12
        params(site, day, f"day={day}")
    collect(site, 20)
    assert kept(site) == [7, 11, 12]


def test_what_a_killed_command_staged_counts_once_from_its_commit_on(
    site: SmallSite,
) -> None:
    for day in range(1, 3):  # r5, r6
        params(site, day, f"day={day}")
    with never_switched():
        params(site, 3, "day=3")  # r7
    params(site, 4, "day=4")  # r8: straight from r6, and nodes never saw r7
    for day in range(20, 23):
        replace(site, day=day).picker().publish()
        collect(site, day)
        assert kept(site) == [7, 8]


def test_kernels_of_the_grace_time_stay_without_their_generations(
    site: SmallSite,
) -> None:
    hour = 1 / 24
    young = [new_default(site, 2 + at * hour / 6, f"6.{at}") for at in range(3, 8)]
    for at in range(2):
        params(site, 2 + hour, f"at={at}")
    collect(site, 2 + hour * 1.1)
    assert kept(site) == [4, 10, 11]
    assert [on_root(site, kernel) for kernel in young] == [True] * 5
    collect(site, 4)
    assert kept(site) == [4, 10, 11]
    assert [on_root(site, kernel) for kernel in young] == [False] * 4 + [True]


def on_root(site: SmallSite, kernel: KernelConfig) -> bool:
    return (site.tftp / "kp/objects" / kernel.artifacts.vmlinuz.sha256).exists()


def test_as_many_good_payloads_as_the_site_says(site: SmallSite) -> None:
    for day, release in enumerate(("6.3", "6.4", "6.5"), start=1):
        new_default(site, day, release, good=True)  # r5, r7, r9
    for day in range(4, 7):  # r11 to r13
        params(site, day, f"day={day}")
    new_default(site, 7, "6.8")  # r14: the newest of 6.5 is r13
    params(site, 8, "day=8")  # r15
    collect(site, 20)
    assert kept(site) == [8 - 1, 13, 14, 15]


def test_a_target_that_came_after_the_verdict_keeps_the_good_one_too(
    site: SmallSite,
) -> None:
    root = site.where / "late"
    root.mkdir()
    settings = load(site.root / "kp.toml")
    roots = {**settings.roots, "late": root}
    save(site.root / "kp.toml", settings._replace(roots=roots))
    with site.picker().edit("late") as edit:  # r5
        targets.add(edit.state, "late", {"kind": "tftp", "loaders": ("grub",)})
    new_default(site, 1, "6.8")  # r6
    for day in range(2, 6):
        params(site, day, f"day={day}")
    collect(site, 20)
    objects = os.listdir(root / "kp/objects")
    good = site.picker().view("r2").kernel("web", "6.1").artifacts.vmlinuz.sha256
    assert good in objects


# --- image trees


def test_a_tree_keeps_what_is_live_and_one_known_good(site: SmallSite) -> None:
    first = site.picker().view().kernel("web", "6.1")
    second = new_default(site, 1, "6.3", good=True)
    third = new_default(site, 2, "6.4")
    fourth = new_default(site, 3, "6.5")
    collect(site, 20)
    there = [in_tree(site, kernel) for kernel in (first, second, third, fourth)]
    assert there == [False, True, False, True]


def test_a_payload_of_two_images_is_known_good_of_both(site: SmallSite) -> None:
    with site.picker().edit("a copy") as edit:
        web = edit.state.image("web")
        edit.state.put(Key("image", "zcopy"), web)
        for each in ("production", "rescue"):
            edit.state.put(Key("entry", each, "zcopy"), edit.state.entry("web", each))
        sites.put_kernel(edit.state, "zcopy", edit.state.kernel("web", "6.1"))
    first = site.picker().view().kernel("web", "6.1")
    site.picker().judge("good", [("web", None, None), ("zcopy", None, None)], "all")
    new_default(site, 1, "6.8")
    collect(site, 20)
    assert in_tree(site, first)
    assert replace(site, day=21).picker().rollback(Rollback(("web",))).revision


def test_an_entry_that_is_no_default_may_be_the_known_good(site: SmallSite) -> None:
    new_default(site, 1, "6.8")
    picker = replace(site, day=2).picker()
    spare = sites.add_kernel(picker, "6.9")
    with picker.edit("a spare one") as edit:
        sites.put_kernel(edit.state, "web", spare)
        entries.add(edit.state, "web", "spare", {"kernel": "6.9", "method": "local"})
    replace(site, day=2).picker().judge("good", [("web", "spare", None)], "tried")
    with replace(site, day=3).picker().edit("away with it") as edit:
        entries.remove(edit.state, "web", "spare")
        edit.state.drop(Key("kernel", "6.9", "web"))
    collect(site, 20)
    assert in_tree(site, spare)


# --- artifacts


def test_artifacts_of_kept_generations_stay_and_the_way_there_is_open(
    site: SmallSite,
) -> None:
    first = site.picker().view().kernel("web", "6.1")
    second = new_default(site, 1, "6.3")  # r5
    third = new_default(site, 2, "6.4")  # r6
    fourth = new_default(site, 3, "6.5")  # r7: r6 and r7 are the last two
    gone = collect(site, 20)
    assert {r.sha256 for r in second.artifacts.refs()} <= set(gone)
    assert [has(site, k) for k in (first, second, third, fourth)] == [
        True,  # good
        False,
        True,
        True,
    ]
    later = replace(site, day=21)
    with pytest.raises(Refused, match="has lost its files") as caught:
        later.picker().rollback(Rollback(("web",), to="r5"))
    assert second.artifacts.vmlinuz.sha256[:12] in caught.value.message
    outcome = later.picker().rollback(Rollback(("web",), to="r6"))
    assert [t.condition for t in outcome.targets] == ["live", "live"]


def test_what_main_named_within_the_grace_time_stays(site: SmallSite) -> None:
    """Whatever the targets are: no TFTP root, and the files are old."""
    with site.picker().edit("no more TFTP") as edit:
        targets.remove(edit.state, "net")
    second = new_default(site, 1, "6.3")
    hour = 1 / 24
    new_default(site, 2, "6.4")
    collect(site, 2 + hour / 2)
    assert has(site, second)
    collect(site, 2 + 2 * hour)
    assert not has(site, second)


def test_what_a_draft_names_stays(site: SmallSite) -> None:
    bob = replace(site, user="bob").picker()
    with bob.edit() as edit:
        sites.put_kernel(edit.state, "web", sites.add_kernel(bob, "6.9"))
    drafted = bob.view().kernel("web", "6.9")
    collect(site, 20)
    assert has(site, drafted)
    with bob.edit() as edit:
        edit.state.drop(Key("kernel", "6.9", "web"))
    collect(site, 20)
    assert has(site, drafted), "undo goes back there"
    bob.undo()
    bob.save_draft("work")
    bob.discard()
    collect(site, 20)
    assert has(site, drafted), "load goes back there"
    bob.remove_draft("work")
    collect(site, 20)
    assert not has(site, drafted)


def test_while_a_draft_can_not_be_read_no_artifact_goes_and_gc_goes_on(
    site: SmallSite,
) -> None:
    idle = sites.add_kernel(site.picker(), "6.9")
    git = site.root / "state.git"
    blob = subprocess.check_output(
        ["git", "-C", git, "hash-object", "-t", "blob", "-w", "--stdin"], input=b"x"
    )
    ref = git / drafts.ref_of("bob")
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_bytes(blob)
    assert collect(site, 20) == []
    assert has(site, idle)
    assert "no artifact is removed: the draft of bob (bob drops it by" in site.told[-1]
    replace(site, user="bob").picker().discard()
    collect(site, 20)
    assert not has(site, idle)


def test_a_replaced_loader_file_outlives_gc_and_comes_back(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    theirs = site.tree / "boot/grub/grub.cfg"
    theirs.write_bytes(b"# the distribution's\n")
    with site.picker().edit("all") as edit:
        sites.lay_out(site.picker(), edit.state)
        disk = edit.state.target("disk")
        options = disk.options.model_copy(update={"replace": True})
        edit.state.put(
            Key("target", "disk"), disk.model_copy(update={"options": options})
        )
    assert b"the distribution's" not in theirs.read_bytes()
    collect(site, 300)
    with replace(site, day=301).picker().edit("no more") as edit:
        targets.remove(edit.state, "disk")
    assert theirs.read_bytes() == b"# the distribution's\n"


# --- what is not kp's to sweep


@contextmanager
def of_another_site(site: SmallSite) -> Iterator[None]:
    files = [site.tftp / "kp/TARGET", site.tree / "boot/kp/TARGET"]
    was = [path.read_bytes() for path in files]
    for path in files:
        path.write_text(path.read_text().replace(sites.SITE_ID, "6" * 32))
    yield
    for path, data in zip(files, was, strict=True):
        path.write_bytes(data)


@contextmanager
def held(site: SmallSite) -> Iterator[None]:
    picker = site.picker()
    for why in ("measured", ""):
        for target in picker.site.targets(State(picker.site.main())):
            assert target.publisher
            target.publisher.set_hold(why)
        if why:
            yield


@pytest.mark.parametrize("kept_back", [of_another_site, held])
def test_a_target_that_kp_leaves_alone_is_not_swept(
    site: SmallSite, kept_back: Callable[[SmallSite], AbstractContextManager[None]]
) -> None:
    for day, release in enumerate(("6.3", "6.4", "6.5"), start=1):
        new_default(site, day, release)
    age(site)
    assert kept(site) == [2, 4, 5, 6, 7]
    with kept_back(site):
        before = digest(site.tftp), digest(site.tree)
        collect(site, 40)
        assert (digest(site.tftp), digest(site.tree)) == before
    collect(site, 40)
    assert kept(site) == [4, 6, 7]


def test_a_verdict_of_a_revision_that_never_was_stops_nothing(site: SmallSite) -> None:
    first = site.picker().view().kernel("web", "6.1")
    new_default(site, 0, "6.8")  # r5

    def pushed_by_somebody(state: State) -> None:
        [payload] = state.names("verdict")
        verdict = state.verdict(payload)
        assert verdict
        never = verdict.model_copy(update={"images": {"web": "r999", "gone": "r9"}})
        state.put(Key("verdict", payload), never)

    sites.plant(site.picker(), pushed_by_somebody)
    for day in range(1, 9):  # r7 to r14: r8 sweeps
        params(site, day, f"day={day}")
    collect(site, 20)
    assert kept(site) == [4, 13, 14]
    assert in_tree(site, first)


# --- good is said of content


def copy_of_web(site: SmallSite) -> None:
    """Another image of the same content, of which nobody said anything."""
    with site.picker().edit("a copy") as edit:
        state = edit.state
        state.put(Key("image", "copy"), state.image("web"))
        for each in state.names("entry", "web"):
            state.put(Key("entry", each, "copy"), state.entry("web", each))
        sites.put_kernel(state, "copy", state.kernel("web", "6.1"))


def test_an_image_with_what_is_good_keeps_its_way_back(site: SmallSite) -> None:
    copy_of_web(site)  # r5
    two = sites.add_kernel(site.picker(), "6.9")
    with replace(site, day=1).picker().edit("only 6.9") as edit:
        for each in edit.state.names("entry", "copy"):
            edit.state.drop(Key("entry", each, "copy"))
        edit.state.drop(Key("kernel", "6.1", "copy"))
        sites.put_kernel(edit.state, "copy", two)
        entries.add(edit.state, "copy", "new", {"kernel": "6.9"}, default=True)
    with replace(site, day=1).picker().edit("and web goes") as edit:
        edit.state.drop(Key("target", "disk"))
        for number in range(4):
            nodes.change(edit.state, [sites.name(number)], {"image": "copy"})
        images.remove(edit.state, "web")
    for day in range(2, 12):
        params(site, day, f"day={day}")
    collect(site, 20)
    assert replace(site, day=21).picker().rollback(Rollback(("copy",))).revision


def test_what_was_good_of_an_image_that_is_gone_is_kept_no_longer(
    site: SmallSite,
) -> None:
    first = site.picker().view().kernel("web", "6.1")
    with replace(site, day=1).picker().edit("web goes") as edit:
        edit.state.drop(Key("target", "disk"))
        nodes.remove(edit.state, [sites.name(number) for number in range(4)])
        images.remove(edit.state, "web")
    for day in range(2, 12):
        params(site, day, f"day={day}")
    collect(site, 20)
    assert not has(site, first)
