"""What verify sees of what others changed on a TFTP target, and repair mends."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.targets.keep import Keep
from kpstore.targets.tftp import quick
from kpstore.targets.tftp.format.layout import place_of, shard_of, shelf_of
from kpstore.targets.values import Leeway
from support.tftp_world import (
    DB,
    WEB,
    Commit,
    World,
    change,
    expected,
    kernel_bytes,
    mac,
    object_file,
    whole,
)

A, B, C = (mac(number) for number in range(3))
FIRST = Commit(1, {WEB: "6.1", DB: "6.6"}, {A: (WEB, None), B: (WEB, 7), C: (DB, None)})
ALL = {A, B, C, mac(9)}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.target.create()
    world.publish(None, FIRST)
    return world


def entry(root: Path, node: str = A) -> Path:
    return root / f"pxelinux.cfg/01-{node.replace(':', '-')}"


def menu(root: Path) -> Path:
    return root / "kp/live" / place_of(WEB) / "grub"


def own(root: Path) -> Path:
    return entry(root, B).resolve()


def an_object(root: Path) -> Path:
    return next((root / "kp/objects").glob("*/vmlinuz"))


def edit_menu(root: Path) -> None:
    menu(root).write_text("mine\n")


def edit_kernel(root: Path) -> None:
    an_object(root).chmod(0o644)
    an_object(root).write_text("mine\n")


def edit_own_file(root: Path) -> None:
    own(root).write_text("mine\n")


def file_for_an_entry(root: Path) -> None:
    entry(root).unlink()
    entry(root).write_text("mine\n")


def folder_for_an_entry(root: Path) -> None:
    entry(root).unlink()
    entry(root).mkdir()
    (entry(root) / "note").write_text("mine\n")


def entry_elsewhere(root: Path) -> None:
    entry(root).unlink()
    entry(root).symlink_to(f"../kp/live/{place_of(DB)}/pxelinux")


def stray_entry(root: Path) -> None:
    entry(root, mac(77)).symlink_to(f"../kp/live/{place_of(WEB)}/pxelinux")


def extra_file(root: Path) -> None:
    (menu(root).parent / "notes").write_text("mine\n")


def extra_at_the_top(root: Path) -> None:
    (root / "kp/backup/deep").mkdir(parents=True)
    (root / "kp/backup/deep/x").write_text("mine\n")


def extra_in_live(root: Path) -> None:
    (root / "kp/live/mine").symlink_to("../../menus")


def template_elsewhere(root: Path) -> None:
    (root / "kp/live" / place_of(WEB)).unlink()
    (root / "kp/live" / place_of(WEB)).symlink_to(
        os.readlink(root / "kp/live" / place_of(DB))
    )


def live_is_a_folder(root: Path) -> None:
    target = (root / "kp/live").resolve()
    (root / "kp/live").unlink()
    target.rename(root / "kp/live")


def live_elsewhere(root: Path) -> None:
    (root / "kp/live").unlink()
    (root / "kp/live").symlink_to("/etc")


def state_torn(root: Path) -> None:
    path = root / "kp/live/STATE"
    path.write_bytes(path.read_bytes()[:100])


def menus_a_link(root: Path) -> None:
    home = menu(root).parent.resolve()
    home.rename(root / "elsewhere")
    home.symlink_to(root / "elsewhere")


def unreadable(root: Path) -> None:
    menu(root).chmod(0o600)
    own(root).chmod(0o600)
    an_object(root).chmod(0o400)
    (root / "kp/menus").chmod(0o700)
    (root / "pxelinux.cfg").chmod(0o750)
    (root / "kp/TARGET").chmod(0o600)


def no_menu(root: Path) -> None:
    menu(root).unlink()


def no_menus(root: Path) -> None:
    home = menu(root).parent.resolve()
    for path in home.iterdir():
        path.unlink()
    home.rmdir()


def no_kernel(root: Path) -> None:
    an_object(root).unlink()


def no_entry(root: Path) -> None:
    entry(root).unlink()


def no_default(root: Path) -> None:
    (root / "pxelinux.cfg/default").unlink()
    (root / "ipxe/boot.ipxe").unlink()


def no_live(root: Path) -> None:
    (root / "kp/live").unlink()


MINE = (
    edit_menu,
    edit_kernel,
    edit_own_file,
    file_for_an_entry,
    folder_for_an_entry,
    extra_file,
    extra_at_the_top,
)
KINDS = {
    edit_menu: {"changed"},
    edit_kernel: {"changed"},
    edit_own_file: {"changed"},
    file_for_an_entry: {"foreign"},
    folder_for_an_entry: {"foreign"},
    entry_elsewhere: {"changed"},
    stray_entry: {"extra"},
    extra_file: {"extra"},
    extra_at_the_top: {"extra"},
    extra_in_live: {"extra"},
    template_elsewhere: {"changed"},
    live_is_a_folder: {"changed"},
    live_elsewhere: {"changed"},
    state_torn: {"changed"},
    menus_a_link: {"changed"},
    unreadable: {"mode"},
    no_menu: {"missing"},
    no_menus: {"missing"},
    no_kernel: {"missing"},
    no_entry: {"missing"},
    no_default: {"missing"},
    no_live: {"missing"},
}


def test_repair_takes_no_damaged_artifact(world: World, tmp_path: Path) -> None:
    edit_kernel(world.root)
    artifact = world.store.path(an_object(world.root).parent.name)
    artifact.write_bytes(b"?" * artifact.stat().st_size)
    with pytest.raises(CorruptState, match=artifact.name):
        world.target.repair(whole(FIRST), tmp_path / "found")
    assert an_object(world.root).read_text() == "mine\n"


@pytest.mark.parametrize("harm", KINDS, ids=lambda harm: harm.__name__)
def test_drift_is_seen_and_mended(
    world: World, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(world.root)
    found = world.target.verify(whole(FIRST), deep=True)
    assert {finding.kind for finding in found} == KINDS[harm], found
    aside = tmp_path / "found"
    assert world.target.repair(whole(FIRST), aside) == found
    assert world.target.verify(whole(FIRST), deep=True) == []
    assert world.served(ALL) == expected(FIRST, ALL)
    kept = [p.read_text() for p in aside.rglob("*") if p.is_file()]
    assert ("mine\n" in kept) == (harm in MINE)
    second = replace(FIRST, revision=2, nodes={**FIRST.nodes, A: (DB, 3)})
    world.publish(FIRST, second)
    assert world.served(ALL) == expected(second, ALL)
    assert world.target.verify(whole(second), deep=True) == []


@pytest.mark.parametrize(
    "harm",
    [
        edit_menu,
        file_for_an_entry,
        entry_elsewhere,
        stray_entry,
        extra_file,
        extra_in_live,
        template_elsewhere,
        live_is_a_folder,
        live_elsewhere,
        state_torn,
        no_menu,
        no_menus,
        no_kernel,
        no_entry,
        no_default,
        no_live,
    ],
    ids=lambda harm: harm.__name__,
)
def test_the_quick_look(world: World, harm: Callable[[Path], None]) -> None:
    stamps = world.target.stamps()
    assert world.target.quick(stamps) == ([], True)
    harm(world.root)
    found, sure = world.target.quick(stamps)
    assert found or not sure


def test_the_quick_look_names_a_kernel_that_is_gone(world: World) -> None:
    stamps, gone = world.target.stamps(), an_object(world.root)
    gone.unlink()
    found, sure = world.target.quick(stamps)
    path = str(gone.relative_to(world.root))
    assert [(each.path, each.kind) for each in found] == [(path, "missing")]
    assert sure


@pytest.mark.parametrize("harm", [edit_menu, edit_kernel, extra_file, no_kernel])
def test_of_many_parts_writers_look_at_a_sixteenth_in_turn(
    world: World, harm: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was changed is found by the sixteenth of them, and not forgotten."""
    monkeypatch.setattr(quick, "_MANY", 0)
    stamps, looks, before = world.target.stamps(), [], FIRST
    harm(world.root)
    assert world.target.quick(stamps, files=True).findings
    for revision in range(2, 18):
        looks.append(world.target.quick(stamps).findings)
        after = replace(FIRST, revision=revision)
        world.publish(before, after)
        stamps, before = world.target.stamps(stamps), after
    assert sum(map(bool, looks)) == 1
    assert world.target.quick(stamps, files=True).findings == []


@pytest.mark.parametrize("harm", ["bytes", "mode", "gone", "sums", "no sums"])
def test_a_damaged_own_file_is_not_carried_over(world: World, harm: str) -> None:
    """Another node's change makes its shard anew, with links to the other files."""
    others = (mac(number) for number in range(10, 9999))
    beside = next(each for each in others if shard_of(each) == shard_of(B))
    two = replace(FIRST, revision=2, nodes={**FIRST.nodes, beside: (WEB, 8)})
    world.publish(FIRST, two)
    file = own(world.root)
    sums = file.parent / "SHA256SUMS"
    text = sums.read_text()
    {
        "bytes": lambda: file.write_text("mine\n"),
        "mode": lambda: file.chmod(0o600),
        "gone": file.unlink,
        "sums": lambda: sums.write_text(text.replace(text[:8], "0" * 8, 1)),
        "no sums": sums.unlink,
    }[harm]()
    three = replace(two, revision=3, nodes={**two.nodes, beside: (WEB, 9)})
    with pytest.raises(CorruptState, match="gone or not kp's"):
        world.publish(two, three)
    world.publish(None, three)  # so a commit goes on: all of it is drawn anew
    nodes = {*ALL, beside}
    assert world.served(nodes) == expected(three, nodes)


@pytest.mark.parametrize("harm", ["bytes", "mode", "gone"])
def test_a_shard_of_before_is_taken_again_only_whole(
    world: World, harm: str, tmp_path: Path
) -> None:
    """A change of one node is taken back: what lies there was not live meanwhile."""
    others = (mac(number) for number in range(10, 9999))
    beside = next(each for each in others if shard_of(each) == shard_of(B))
    two = replace(FIRST, revision=2, nodes={**FIRST.nodes, beside: (WEB, 8)})
    world.publish(FIRST, two)
    file = own(world.root)
    three = replace(two, revision=3, nodes={**two.nodes, beside: (WEB, 9)})
    world.publish(two, three)
    data = file.read_bytes()
    file.unlink()
    if harm != "gone":
        file.write_bytes(data if harm == "mode" else b"mine\n")
        file.chmod(0o600 if harm == "mode" else 0o644)
    four = replace(two, revision=4)
    world.target.stage(change(three, four), Leeway(tmp_path / "found")).switch()
    nodes = {*ALL, beside}
    assert world.served(nodes) == expected(four, nodes)
    assert own(world.root).stat().st_mode & 0o777 == 0o644


def test_a_shelf_that_is_damaged_meanwhile_is_seen(world: World) -> None:
    assert world.target.marker()
    shelf = world.root / "kp/live" / shelf_of(WEB)
    (shelf / "CONTENTS").write_text("{}")
    assert [each.kind for each in world.target.damage()] == ["changed"]
    assert world.target.marker() is None


@pytest.mark.parametrize("restore", [["cp", "-a"], ["tar"]])
def test_a_restored_root_is_no_drift(world: World, restore: list[str]) -> None:
    """Other times throughout: what bytes can tell is told, the rest is asked for."""
    stamps = world.target.stamps()
    away = world.root.with_name("away")
    world.root.rename(away)
    if restore == ["tar"]:
        world.root.mkdir()
        archive = world.folder / "root.tar"
        subprocess.run(["tar", "-cf", archive, "-C", away, "."], check=True)
        subprocess.run(["tar", "-xpf", archive, "-C", world.root], check=True)
    else:
        subprocess.run([*restore, away, world.root], check=True)
    assert world.target.quick(stamps) == ([], False)
    assert world.target.verify(whole(FIRST), deep=True) == []
    own(world.root).write_text("mine\n")
    found, _ = world.target.quick(stamps, files=True)
    assert [each.path.rpartition("/")[2] for each in found] == [own(world.root).name]


def test_the_quick_look_bears_a_sweep(world: World) -> None:
    second = replace(FIRST, revision=2, kernels={WEB: "6.12", DB: "6.6"})
    world.publish(FIRST, second)
    stamps = world.target.stamps()
    assert world.target.sweep(Keep(now=1e12, grace=0))
    assert world.target.quick(stamps) == ([], True)


def test_foreign_files_of_nobody_are_reported_and_kept(world: World) -> None:
    theirs = entry(world.root, mac(55))
    theirs.write_text("mine\n")
    other = world.root / "pxelinux.cfg/C0A80001"
    other.write_text("mine\n")
    found = world.target.repair(whole(FIRST), world.folder / "found")
    assert [(f.path, f.kind) for f in found] == [
        (f"pxelinux.cfg/{theirs.name}", "kept")
    ]
    assert theirs.read_text() == other.read_text() == "mine\n"


def test_a_fifo_is_not_waited_for(world: World) -> None:
    menu(world.root).unlink()
    os.mkfifo(menu(world.root))
    os.mkfifo(world.root / "kp/pipe")
    found = world.target.verify(whole(FIRST), deep=True)
    assert [f.kind for f in found] == ["changed", "extra"]
    world.target.quick(world.target.stamps())


def test_a_lagging_target_differs(world: World) -> None:
    second = replace(FIRST, revision=2, kernels={WEB: "6.12", DB: "6.6"})
    world.store.add("6.12")
    found = {f.path: f.kind for f in world.target.verify(whole(second), deep=False)}
    assert found["kp/live/STATE"] == found[f"kp/live/{shelf_of(WEB)}"] == "changed"
    assert f"kp/live/{shelf_of(DB)}" not in found


def test_damage_is_named_before_a_change(world: World) -> None:
    state_torn(world.root)
    second = replace(FIRST, revision=2)
    with pytest.raises(CorruptState, match="STATE"):
        world.target.stage(change(FIRST, second))
    assert world.target.marker() is None
    assert [found.path for found in world.target.damage()] == ["kp/live/STATE"]


def test_repair_draws_what_is_live_anew_beside_it(world: World) -> None:
    """The live generation is never written to, not even to mend it."""
    template_elsewhere(world.root)
    world.target.repair(whole(FIRST), world.folder / "found")
    name = f"000001-{FIRST.id[:12]}"
    assert os.readlink(world.root / "kp/live") == f"generations/{name}.1"
    template_elsewhere(world.root)
    world.target.repair(whole(FIRST), world.folder / "found")
    assert os.readlink(world.root / "kp/live") == f"generations/{name}.2"


# --- what only retired menus name: a node between two requests may ask for it


def changed(kernel: Path) -> None:
    kernel.chmod(0o644)
    kernel.write_text("mine\n")


def gone(kernel: Path) -> None:
    kernel.unlink()


def a_link(kernel: Path) -> None:
    kernel.unlink()
    kernel.symlink_to("nowhere")


def a_folder(kernel: Path) -> None:
    kernel.unlink()
    kernel.mkdir()


def no_home(kernel: Path) -> None:
    shutil.rmtree(kernel.parent)


def no_folder_for_its_home(kernel: Path) -> None:
    no_home(kernel)
    kernel.parent.write_text("mine\n")


HARMS = (changed, gone, a_link, a_folder, no_home, no_folder_for_its_home)
SECOND = Commit(2, {WEB: "6.1"}, {A: (WEB, None)})


@pytest.mark.parametrize("harm", HARMS)
def test_what_retired_menus_name_is_seen_and_mended(
    world: World, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    world.publish(FIRST, SECOND)
    kernel = world.root / object_file("6.6").path
    harm(kernel)
    assert world.target.verify(whole(SECOND), deep=True)
    world.target.repair(whole(SECOND), tmp_path / "found")
    assert world.target.verify(whole(SECOND), deep=True) == []
    assert kernel.read_bytes() == kernel_bytes("6.6")
    assert (world.root / "kp/live" / place_of(DB)).exists()


@pytest.mark.parametrize("harm", HARMS)
def test_a_retired_menu_goes_whose_kernel_can_not_be_had_again(
    world: World, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    world.publish(FIRST, SECOND)
    harm(world.root / object_file("6.6").path)
    world.store.path(object_file("6.6").sha256).unlink()
    world.target.repair(whole(SECOND), tmp_path / "found")
    [found] = world.target.verify(whole(SECOND), deep=True)
    assert (found.path, found.kind) == (object_file("6.6").path, "spoiled")
    assert not (world.root / "kp/live" / place_of(DB)).exists()
    assert world.served(ALL) == expected(SECOND, ALL)
