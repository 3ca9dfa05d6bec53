"""A TFTP target, told as an administrator would see it."""

import os
import stat
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from kpstore.errors import CorruptState, InvalidInput, NotFound, Refused
from kpstore.targets.tftp.format.layout import place_of, shelf_of
from support.tftp_world import (
    DB,
    GPU,
    LOADERS,
    NOW,
    WEB,
    Commit,
    World,
    boot,
    change,
    expected,
    fetch,
    kernel_bytes,
    links,
    mac,
    object_file,
    template,
    whole,
)

A, B, C, D = (mac(number) for number in range(4))
FIRST = Commit(1, {WEB: "6.1", DB: "6.1"}, {A: (WEB, None), B: (WEB, 7), C: (DB, None)})
ALL = {A, B, C, D}


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.target.create()
    return world


def check(world: World, commit: Commit) -> None:
    """All nodes boot exactly this commit, and a new process finds nothing amiss."""
    assert world.served(ALL) == expected(commit, ALL)
    target = world.new_target()
    assert target.marker() == commit.marker
    assert target.verify(whole(commit), deep=True) == []
    assert not target.unfinished()
    assert world.temps() == []


def templates(world: World) -> list[str]:
    """Return the templates that STATE sends nodes to."""
    return world.state().templates()


def test_first_publish(world: World) -> None:
    assert world.target.marker() is None
    world.publish(None, FIRST)
    check(world, FIRST)
    assert sorted(templates(world)) == sorted([DB, WEB, "policy"])


def test_the_layout_is_the_formats(world: World) -> None:
    world.publish(None, FIRST)
    root, dashed = world.root, A.replace(":", "-")
    name = f"000001-{FIRST.id[:12]}"
    assert os.readlink(root / "kp/live") == f"generations/{name}"
    assert os.readlink(root / f"pxelinux.cfg/01-{dashed}") == (
        f"../kp/live/{place_of(WEB)}/pxelinux"
    )
    assert (
        os.readlink(root / f"grub/grub.cfg-01-{dashed}")
        == f"../kp/live/{place_of(WEB)}/grub"
    )
    assert (
        os.readlink(root / f"ipxe/01-{dashed}.ipxe")
        == f"../kp/live/{place_of(WEB)}/ipxe"
    )
    menu = os.readlink(root / f"kp/live/{place_of(WEB)}")
    assert menu.startswith("../../menus/") and len(menu) == len("../../menus/") + 64
    own = os.readlink(root / f"pxelinux.cfg/01-{B.replace(':', '-')}")
    assert own.split("/")[3][0] == "~" and own.endswith(".pxelinux")
    shard = os.readlink(root / "kp/live" / own.split("/")[3])
    assert shard.startswith("../../shards/")


def test_an_image_change_touches_no_entry_point(world: World) -> None:
    world.publish(None, FIRST)
    before = dict(links(world.root / "grub"))
    second = replace(FIRST, revision=2, kernels={WEB: "6.6", DB: "6.1"})
    generation = replace(change(FIRST, second), nodes={B: second.form(B)})
    plan = world.target.plan(generation)
    assert sum(path.startswith("kp/objects/") for path in plan.write) == 1
    assert sum(path.startswith("kp/menus/") for path in plan.write) == len(LOADERS)
    assert sum(path.startswith("kp/shards/") for path in plan.write) == 2  # B's own
    assert len(plan.write) == 6 and plan.remove == ()
    assert world.target.stage(generation).switch() == len(plan.write)
    assert dict(links(world.root / "grub")) == before
    check(world, second)


def test_staging_changes_nothing_that_is_served(world: World) -> None:
    world.publish(None, FIRST)
    second = Commit(2, {WEB: "6.6", GPU: "6.12"}, {A: (GPU, None), B: (GPU, 1)})
    before = world.served(ALL)
    outside = {p: os.lstat(p).st_ctime_ns for p in world.root.glob("[!k]*/*")}
    staged = world.target.stage(change(FIRST, second))
    assert world.served(ALL) == before
    assert world.target.marker() == FIRST.marker
    assert {p: os.lstat(p).st_ctime_ns for p in world.root.glob("[!k]*/*")} == outside
    staged.discard()
    check(world, FIRST)
    assert {p.name for p in (world.root / "kp/menus").iterdir()} == {
        os.path.basename(os.readlink(world.root / "kp/live" / place_of(t)))
        for t in (WEB, DB, "policy")
    }
    assert len(list((world.root / "kp/objects").iterdir())) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((WEB, None), (DB, None)),
        ((WEB, None), (WEB, 3)),
        ((WEB, 3), (WEB, None)),
        ((WEB, 3), (DB, 3)),
        ((WEB, 3), (DB, None)),
        ((WEB, None), None),
        ((WEB, 3), None),
        (None, (WEB, None)),
        (None, (WEB, 3)),
        (None, (GPU, None)),
        ((WEB, None), (GPU, 4)),
    ],
    ids=str,
)
def test_a_node_moves(
    world: World,
    old: tuple[str, int | None] | None,
    new: tuple[str, int | None] | None,
) -> None:
    rest = {A: (WEB, None), B: (DB, 9)}
    kernels = {WEB: "6.1", DB: "6.6"}
    first = Commit(1, kernels, rest | ({D: old} if old else {}))
    kernels |= {GPU: "6.12"} if new and new[0] == GPU else {}
    second = Commit(2, kernels, rest | ({D: new} if new else {}))
    world.publish(None, first)
    check(world, first)
    plan = world.target.plan(change(first, second))
    entries = [path for path in (*plan.write, *plan.remove) if "01-" in path]
    if old is None or new is None:
        assert len(entries) == len(LOADERS)
    assert world.publish(first, second) == len(plan.write)
    check(world, second)


def test_forth_and_back_again(world: World) -> None:
    """The same move again and again: no transition link of old times is in its way."""
    world.publish(None, FIRST)
    now = FIRST
    for revision in range(2, 12):
        own = revision if revision % 3 == 0 else None
        nodes = {**FIRST.nodes, A: ((DB, WEB)[revision % 2], own)}
        new = replace(FIRST, revision=revision, nodes=nodes)
        world.publish(now, new)
        check(world, new)
        now = new


def test_back_to_the_very_same_commit(world: World) -> None:
    """As after a restored backup: a move is repeated under the name it had."""
    second = replace(FIRST, revision=2, nodes={**FIRST.nodes, A: (DB, None)})
    third = replace(FIRST, revision=3)
    for old, new in pairwise([None, FIRST, second, third, second]):
        world.publish(old, new)
        check(world, new)


def test_a_template_stays_linked_over_the_last_switches_that_retired_some(
    world: World,
) -> None:
    """A look-up under way still meets it; only its menu stays longer."""
    names = [template("web", f"{number}") for number in range(12)]
    now = Commit(1, {names[0]: "6.1"}, {A: (names[0], None)})
    world.publish(None, now)
    menu = (world.root / "kp/live" / place_of(names[0])).resolve()
    for number, name in enumerate(names[1:], start=2):
        new = Commit(number, {name: "6.1"}, {A: (name, None)})
        world.publish(now, new, now=NOW + number)
        now = new
        linked = [n for n in names if fetch(world.root, f"kp/live/{place_of(n)}/grub")]
        assert linked == names[max(0, number - 9) : number]
    assert menu.is_dir()
    (named,) = (world.root / "kp/retired").glob(f"*-{menu.name}")
    assert named.name.startswith(f"{int(NOW) + 10}-")
    assert named.resolve() == menu
    check_of(world, now)


def check_of(world: World, commit: Commit) -> None:
    assert world.served({A}) == expected(commit, {A})
    assert world.target.verify(whole(commit), deep=True) == []


def test_a_vanished_template_stays_for_the_grace_time(world: World) -> None:
    world.publish(None, FIRST)
    old_menu = fetch(world.root, f"kp/live/{place_of(DB)}/grub")
    nodes = {A: (WEB, None), B: (WEB, 7), C: (WEB, None)}
    second = Commit(2, {WEB: "6.1"}, nodes)
    world.publish(FIRST, second)
    assert fetch(world.root, f"kp/live/{place_of(DB)}/grub") == old_menu
    assert sorted(templates(world)) == sorted(["policy", WEB])
    check(world, second)
    third = replace(second, revision=3)
    world.publish(second, third, now=NOW + 86399)
    assert fetch(world.root, f"kp/live/{place_of(DB)}/grub") == old_menu
    fourth = replace(second, revision=4)
    world.publish(third, fourth, now=NOW + 86400)
    assert fetch(world.root, f"kp/live/{place_of(DB)}/grub") is None
    check(world, fourth)
    back = replace(FIRST, revision=5)
    world.publish(fourth, back)
    check(world, back)


def test_links_that_stay_are_other_names_of_those_before(world: World) -> None:
    world.publish(None, FIRST)
    live = world.root / "kp/live"
    before = {path.name: path.lstat().st_ino for path in live.iterdir()}
    kernels = {**FIRST.kernels, WEB: "6.12"}
    world.publish(FIRST, replace(FIRST, revision=2, kernels=kernels))
    after = {path.name: path.lstat().st_ino for path in live.iterdir()}
    differ = {name for name in before if before[name] != after[name]}
    assert shelf_of(WEB) in differ
    assert {shelf_of(DB), "policy"} & differ == set()


def test_publishing_what_is_live_changes_nothing(world: World) -> None:
    world.publish(None, FIRST)
    before = world.target.stamps()
    assert world.target.plan(whole(FIRST)).write == ()
    assert world.target.stage(whole(FIRST)).switch() == 0
    assert world.target.stamps() == before
    assert world.target.quick(before) == ([], True)


def test_a_generation_to_all_of_another(world: World) -> None:
    """A lagging target gets all of the commit; what it had and that hasn't goes."""
    world.publish(None, FIRST)
    later = Commit(9, {GPU: "6.12"}, {A: (GPU, None), D: (GPU, 2)})
    world.publish(None, later)
    check(world, later)


def test_the_umask_does_not_matter(world: World) -> None:
    before = os.umask(0o077)
    try:
        world.publish(None, FIRST)
        second = replace(FIRST, revision=2, nodes={**FIRST.nodes, A: (DB, 5)})
        world.publish(FIRST, second)
    finally:
        os.umask(before)
    for path in (world.root / "kp").rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            assert stat.S_IMODE(mode) == 0o755, path
        elif stat.S_ISREG(mode):
            served = path.parent.parent.name == "objects"
            assert stat.S_IMODE(mode) == (0o444 if served else 0o644), path
    check(world, second)


def test_objects_are_copies(world: World) -> None:
    world.publish(None, FIRST)
    each = object_file("6.1")
    copy = world.root / each.path
    assert copy.stat().st_ino != world.store.path(each.sha256).stat().st_ino
    assert copy.stat().st_nlink == 1


def test_all_links_are_relative_and_stay_inside(world: World) -> None:
    world.publish(None, FIRST)
    for name, text in links(world.root):
        assert not text.startswith("/")
        home = (world.root / name).parent
        inside = os.path.normpath(home / text)
        assert inside.startswith(f"{world.root}/"), (name, text)


def test_a_foreign_file_in_a_nodes_way_refuses_before_anything(world: World) -> None:
    world.publish(None, FIRST)
    taken = world.root / f"grub/grub.cfg-01-{D.replace(':', '-')}"
    taken.write_text("mine")
    second = replace(FIRST, revision=2, nodes={**FIRST.nodes, D: (WEB, None)})
    parts = sorted(p.name for p in (world.root / "kp").rglob("*"))
    with pytest.raises(Refused, match=taken.name):
        world.target.stage(change(FIRST, second))
    assert sorted(p.name for p in (world.root / "kp").rglob("*")) == parts
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "/kp/live/policy/grub",
        "../kp/live/policy/pxelinux",
        "../kp/live/../../etc/grub",
        "../../kp/live/policy/grub",
        f"../kp/live/{place_of(WEB)}",
        "../kp/live/~00/52-54-00-00-00-09.grub",
    ],
)
def test_a_link_that_kp_never_writes_is_foreign(world: World, text: str) -> None:
    world.publish(None, FIRST)
    (world.root / f"grub/grub.cfg-01-{D.replace(':', '-')}").symlink_to(text)
    second = replace(FIRST, revision=2, nodes={**FIRST.nodes, D: (WEB, None)})
    with pytest.raises(Refused):
        world.target.stage(change(FIRST, second))
    found = world.target.verify(whole(FIRST), deep=True)
    assert [(f.kind, D.replace(":", "-") in f.path) for f in found] == [("kept", True)]


def test_a_dropped_node_leaves_a_foreign_file(world: World) -> None:
    world.publish(None, FIRST)
    taken = world.root / f"pxelinux.cfg/01-{A.replace(':', '-')}"
    taken.unlink()
    taken.write_text("mine")
    nodes = {B: FIRST.nodes[B], C: FIRST.nodes[C]}
    world.publish(FIRST, replace(FIRST, revision=2, nodes=nodes))
    assert taken.read_text() == "mine"
    assert boot(world.root, "grub", A)[0] == "grub: boot from disk\n"


def test_no_room(world: World) -> None:
    huge = replace(object_file("6.1"), size=1 << 60)
    generation = replace(whole(FIRST), objects=(huge,))
    with pytest.raises(Refused, match="free"):
        world.target.stage(generation)
    assert not list((world.root / "kp").glob("*/*"))


def test_unknown_nodes_get_the_policy(world: World) -> None:
    world.publish(None, FIRST)
    assert boot(world.root, "pxelinux", D) == ("pxelinux: boot from disk\n", b"")
    assert boot(world.root, "ipxe", D) == ("ipxe: boot from disk\n", b"")


def test_a_foreign_default_is_kept_until_adopted(tmp_path: Path) -> None:
    world = World(tmp_path)
    (world.root / "pxelinux.cfg").mkdir()
    theirs = world.root / "pxelinux.cfg/default"
    theirs.write_text("LOCALBOOT 0\n")
    world.target.create()
    world.publish(None, FIRST)
    assert theirs.read_text() == "LOCALBOOT 0\n"
    found = world.target.verify(whole(FIRST), deep=True)
    assert [(f.path, f.kind) for f in found] == [("pxelinux.cfg/default", "kept")]
    world.target.set_hold("fire")
    world.target.set_hold("")
    assert not any(f.is_drift for f in world.target.repair(whole(FIRST), tmp_path))
    assert theirs.read_text() == "LOCALBOOT 0\n"
    aside = tmp_path / "found"
    assert world.target.adopt(aside) == ["pxelinux.cfg/default"]
    assert (aside / "pxelinux.cfg/default").read_text() == "LOCALBOOT 0\n"
    check(world, FIRST)


def test_a_foreign_default_that_came_later_is_drift(world: World) -> None:
    world.publish(None, FIRST)
    theirs = world.root / "pxelinux.cfg/default"
    theirs.unlink()
    theirs.write_text("LOCALBOOT 0\n")
    found = world.target.verify(whole(FIRST), deep=True)
    assert [(f.path, f.kind) for f in found] == [("pxelinux.cfg/default", "foreign")]
    assert found[0].is_drift
    aside = world.folder / "found"
    world.target.repair(whole(FIRST), aside)
    assert (aside / "pxelinux.cfg/default").read_text() == "LOCALBOOT 0\n"
    check(world, FIRST)


def test_identity_and_hold(world: World) -> None:
    identity = world.target.identity()
    assert identity is not None
    assert (identity.target, identity.hold) == ("main", "")
    world.target.set_hold("fire in the machine room")
    world.target.create()
    held = world.target.identity()
    assert held is not None and held.hold == "fire in the machine room"


def test_an_absent_target_is_never_made(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(NotFound):
        world.target.stage(whole(FIRST))
    with pytest.raises(NotFound):
        world.target.set_hold("x")
    assert world.target.identity() is None
    assert list(world.root.iterdir()) == []
    world.root.rmdir()
    assert world.target.identity() is None
    with pytest.raises(NotFound):
        world.target.create()


def test_another_sites_target_is_refused(world: World, tmp_path: Path) -> None:
    path = world.root / "kp/TARGET"
    path.write_text(path.read_text().replace("5", "6"))
    with pytest.raises(Refused, match="666"):
        world.new_target().create()
    world.new_target().adopt(tmp_path / "found")
    world.new_target().create()


def test_a_root_that_is_a_link_is_resolved_once(tmp_path: Path) -> None:
    (tmp_path / "srv").symlink_to("tftp")
    world = World(tmp_path)
    world.root = tmp_path / "srv"
    target = world.new_target()
    target.create()
    (tmp_path / "srv").unlink()
    (tmp_path / "srv").symlink_to("/nonexistent")
    target.stage(whole(FIRST)).switch()
    world.root = tmp_path / "tftp"
    check(world, FIRST)


@pytest.mark.parametrize(
    "options",
    [
        {"prefix": "../out"},
        {"prefix": "/abs"},
        {"prefix": "a/../../b"},
        {"prefix": "a\nb"},
        {"prefix": "."},
        {"grub_dir": "../grub"},
        {"grub_dir": "kp/grub"},
        {"grub_dir": "kp"},
        {"grub_dir": ""},
        {"grub_dir": "/boot"},
    ],
    ids=str,
)
def test_hostile_places(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        World(tmp_path, **options)


@pytest.mark.parametrize("text", ["../outside", "{root}/inside", "../tftp/inside"])
def test_a_prefix_that_leads_out_is_refused(tmp_path: Path, text: str) -> None:
    """A server in a chroot would find another place there, or none."""
    world = World(tmp_path, prefix="boot")
    (tmp_path / "outside").mkdir()
    (world.root / "inside").mkdir()
    (world.root / "boot").symlink_to(text.format(root=world.root))
    target = world.new_target(prefix="boot")
    with pytest.raises(Refused, match="leads out"):
        target.create()
    with pytest.raises(Refused, match="leads out"):
        target.adopt(tmp_path / "found")
    assert target.identity() is None
    assert [found.path for found in target.damage()] == ["boot"]
    assert list((tmp_path / "outside").iterdir()) == []
    assert list((world.root / "inside").iterdir()) == []


def test_a_prefix_may_be_a_relative_link_within_the_root(tmp_path: Path) -> None:
    world = World(tmp_path, prefix="boot")
    (world.root / "inside").mkdir()
    (world.root / "boot").symlink_to("inside")
    world.target = world.new_target(prefix="boot")
    world.target.create()
    assert (world.root / "inside/kp/TARGET").is_file()
    assert world.target.damage() == []


def test_prefix_and_grubs_folder(tmp_path: Path) -> None:
    world = World(tmp_path, prefix="pxe/main", grub_dir="boot/grub")
    world.target.create()
    world.publish(None, FIRST)
    base = world.root / "pxe/main"
    dashed = A.replace(":", "-")
    assert os.readlink(base / f"boot/grub/grub.cfg-01-{dashed}") == (
        f"../../kp/live/{place_of(WEB)}/grub"
    )
    assert fetch(world.root, f"pxe/main/boot/grub/grub.cfg-01-{dashed}") == (
        FIRST.menu(WEB, "grub")
    )
    assert fetch(world.root, "pxe/main/boot/grub/grub.cfg") == (
        b"grub: boot from disk\n"
    )


def test_entry_points_of_a_former_folder_go(world: World) -> None:
    world.publish(None, FIRST)
    moved = world.new_target(grub_dir="boot/grub")
    moved.create()
    with pytest.raises(Refused, match="folders"):
        moved.stage(change(FIRST, replace(FIRST, revision=2)))
    second = replace(FIRST, revision=2)
    moved.stage(whole(second)).switch()
    assert [p.name for p in (world.root / "grub").iterdir()] == ["grub.cfg"]
    assert fetch(world.root, f"boot/grub/grub.cfg-01-{A.replace(':', '-')}")


@pytest.mark.parametrize("folder", ["kp", "pxelinux.cfg", "grub"])
def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, folder: str) -> None:
    world = World(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (world.root / folder).symlink_to("../elsewhere")
    with pytest.raises(Refused, match="a link, not a folder"):
        world.target.create()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_generation_must_hold_together(world: World) -> None:
    good = whole(FIRST)
    for bad in (
        replace(good, objects=()),
        replace(good, menus={WEB: FIRST.menus(WEB)}),
        replace(good, menus={**good.menus, WEB: {"grub": b""}}),
        replace(good, menus={**good.menus, "../x": FIRST.menus(WEB)}),
        replace(good, menus={**good.menus, "+": FIRST.menus(WEB)}),
        replace(good, nodes={"../../x": FIRST.form(A)}),
        replace(good, nodes={"AA:BB:CC:DD:EE:FF": FIRST.form(A)}),
    ):
        with pytest.raises(InvalidInput):
            world.target.stage(bad)
    assert not list((world.root / "kp").glob("*/*"))


def test_a_missing_artifact_is_named(world: World) -> None:
    world.store.path(object_file("6.1").sha256).unlink()
    with pytest.raises(NotFound, match=object_file("6.1").sha256[:12]):
        world.target.stage(whole(FIRST))
    assert world.temps() == []


def damage(path: Path) -> None:
    """Change bytes, not size."""
    path.chmod(0o644)
    path.write_bytes(b"?" * path.stat().st_size)


def test_a_damaged_artifact_is_never_published(world: World) -> None:
    damage(world.store.path(object_file("6.1").sha256))
    with pytest.raises(CorruptState, match=object_file("6.1").sha256[:12]):
        world.target.stage(whole(FIRST))
    assert not list((world.root / "kp").glob("objects/*"))
    assert world.temps() == []


def test_a_second_name_of_a_damaged_artifact_is_not_published(world: World) -> None:
    first = object_file("6.1")
    world.publish(None, FIRST)
    damage(world.store.path(first.sha256))
    other = replace(first, path=first.path + ".efi")
    second = whole(replace(FIRST, revision=2))
    with pytest.raises(CorruptState):
        world.target.stage(replace(second, objects=(*second.objects, other)))
    assert not (world.root / other.path).exists()
    assert (world.root / first.path).read_bytes() == kernel_bytes("6.1")
