"""What a sweep of a TFTP target leaves."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.errors import Refused
from kpstore.targets.keep import Keep
from kpstore.targets.tftp import sweep
from support.tftp_world import (
    DB,
    NOW,
    WEB,
    Commit,
    World,
    change,
    expected,
    mac,
    object_file,
    template,
    whole,
)

A, B = mac(0), mac(1)
DAY = 86400.0


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Ten commits, an hour apart; the kernel changes with each."""
    world = World(tmp_path)
    world.target.create()
    old = None
    for commit in history():
        world.store.add(commit.kernels[WEB])
        world.publish(old, commit, now=NOW + 3600 * commit.revision)
        old = commit
    for path in (world.root / "kp/objects").iterdir():
        os.utime(path, (NOW, NOW))
    return world


def history() -> list[Commit]:
    return [
        Commit(
            number, {WEB: f"6.{number}", DB: "6.0"}, {A: (WEB, number), B: (DB, None)}
        )
        for number in range(1, 11)
    ]


def names(world: World, folder: str) -> set[str]:
    return {path.name for path in (world.root / "kp" / folder).iterdir()}


def kernels(world: World) -> set[str]:
    digests = {object_file(f"6.{n}").sha256: n for n in range(11)}
    return {digests[name] for name in names(world, "objects")}


@pytest.fixture(autouse=True)
def _kernel(request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue("tmp_path") / "artifacts"
    folder.mkdir(exist_ok=True)
    each = object_file("6.0")
    (folder / each.sha256).write_bytes(b"the kernel 6.0\n" * 50)


def test_live_and_what_is_asked_for_stay(world: World) -> None:
    commits = history()
    gone = world.target.sweep(Keep([commits[3].id], now=NOW + 30 * DAY, grace=DAY))
    assert len(names(world, "generations")) == 2
    assert kernels(world) == {0, 4, 10}
    assert len(names(world, "menus")) == 4  # web twice, db, policy
    assert len(names(world, "shards")) == 2
    assert len([path for path in gone if "/generations/" in path]) == 8
    assert world.target.verify(whole(commits[-1]), deep=True) == []
    assert (
        world.target.sweep(Keep([commits[3].id], now=NOW + 30 * DAY, grace=DAY)) == []
    )


def test_menus_and_kernels_of_the_grace_time_stay_without_generations(
    world: World,
) -> None:
    """r6 was staged long ago, but nodes were sent to it until r7 came."""
    now = NOW + 3600 * 7 + DAY - 1
    world.target.sweep(Keep(now=now, grace=DAY))
    assert {int(name[:6]) for name in names(world, "generations")} == {10}
    assert kernels(world) == {0, 6, 7, 8, 9, 10}
    assert len(names(world, "menus")) == 5 + 2  # web five times, db, policy
    assert len(names(world, "shards")) == 5
    assert len(names(world, "retired")) == 4 + 4
    world.target.sweep(Keep(now=now + 3600 * 3, grace=DAY))
    assert kernels(world) == {0, 9, 10}
    assert len(names(world, "retired")) == 2
    assert world.target.verify(whole(history()[-1]), deep=True) == []


def of_before(world: World) -> None:
    """Leave the root as a kp left it that named nothing in `kp/retired`."""
    shutil.rmtree(world.root / "kp/retired")


def test_on_a_root_of_before_the_chain_of_generations_is_kept(world: World) -> None:
    of_before(world)
    now = NOW + 3600 * 7 + DAY - 1
    world.target.sweep(Keep(now=now, grace=DAY))
    revisions = {int(name[:6]) for name in names(world, "generations")}
    assert revisions == {6, 7, 8, 9, 10}
    assert kernels(world) == {0, 6, 7, 8, 9, 10}


def test_the_next_switch_names_all_that_a_root_of_before_may_need(
    world: World,
) -> None:
    of_before(world)
    last, now = history()[-1], NOW + 3600 * 7 + DAY - 1
    world.publish(last, replace(last, revision=11), now=now)
    world.target.sweep(Keep(now=now, grace=DAY))
    assert {int(name[:6]) for name in names(world, "generations")} == {11}
    assert kernels(world) == {0, 6, 7, 8, 9, 10}
    assert len(names(world, "retired")) == 4 + 4
    world.target.sweep(Keep(now=now + DAY + 1, grace=DAY))
    assert kernels(world) == {0, 10}
    assert names(world, "retired") == set()


def test_a_sweep_proves_what_retired_parts_need_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep._Parts, "needed", lambda _: iter(()))
    with pytest.raises(Refused, match=r"would go, and kp/retired names it"):
        world.target.sweep(Keep(now=NOW + 3600 * 7 + DAY - 1, grace=DAY))
    assert len(names(world, "objects")) == 11


def test_what_was_staged_and_discarded_leaves_no_name(world: World) -> None:
    before = names(world, "retired")
    lost = replace(history()[-1], revision=11, kernels={WEB: "6.1", DB: "6.0"})
    staged = world.target.stage(change(history()[-1], lost, now=NOW + DAY))
    assert len(names(world, "retired")) == len(before) + 2  # a menu and a shard
    staged.discard()
    assert names(world, "retired") == before


def test_a_busy_day_leaves_a_few_inodes_a_commit(tmp_path: Path) -> None:
    """One node gets a template of its own with every commit."""
    (tmp_path / "busy").mkdir()
    world = World(tmp_path / "busy")
    world.target.create()
    inodes, now = [], Commit(1, {WEB: "6.1"}, {A: (WEB, None), B: (WEB, None)})
    world.publish(None, now)
    for number in range(2, 60):
        own = template("web", f"{number}")
        kernels = {WEB: "6.1", own: "6.1"}
        new = Commit(number, kernels, {A: (own, None), B: (WEB, None)})
        world.publish(now, new, now=NOW + number)
        now = new
        if number % 8 == 0:
            keep = [Commit(at, {}).id for at in range(number - 9, number + 1)]
            world.target.sweep(Keep(keep, now=NOW + number, grace=DAY))
            inodes.append(len(list(world.root.rglob("*"))))
    assert inodes[-1] - inodes[2] <= 8 * 8 * (len(inodes) - 3)
    assert inodes[-1] - inodes[-2] == inodes[-2] - inodes[-3]
    assert world.served({A, B}) == expected(now, {A, B})


def test_what_was_staged_and_never_live_goes(world: World) -> None:
    last = history()[-1]
    world.store.add("6.12")
    lost = replace(last, revision=11, kernels={WEB: "6.12", DB: "6.0"})
    world.target.stage(change(last, lost, now=NOW + 3600 * 11))
    gone = world.target.sweep(Keep(now=NOW + 3600 * 11, grace=DAY))
    assert f"kp/generations/000011-{lost.id[:12]}" in gone
    assert not [path for path in gone if path.startswith("kp/generations/00001-")]
    assert len([path for path in gone if path.startswith("kp/menus/")]) == 1


def test_objects_that_nothing_names_stay_for_the_grace_time(world: World) -> None:
    world.store.add("6.12")
    ahead, last = object_file("6.12"), history()[-1]
    lost = replace(last, revision=11, kernels={WEB: "6.12", DB: "6.0"})
    world.target.stage(change(last, lost))
    os.utime(world.root / "kp/objects" / ahead.sha256, (NOW + DAY, NOW + DAY))
    world.target.sweep(Keep(now=NOW + 2 * DAY - 1, grace=DAY))
    assert (world.root / ahead.path).exists()
    world.target.sweep(Keep(now=NOW + 2 * DAY, grace=DAY))
    assert not (world.root / ahead.path).exists()


def test_a_rollback_finds_what_was_kept(world: World) -> None:
    commits = history()
    world.target.sweep(Keep([commits[3].id], now=NOW + 30 * DAY, grace=DAY))
    back = replace(commits[3], revision=11)
    plan = world.target.plan(change(commits[-1], back))
    assert not [path for path in plan.write if path.startswith("kp/objects/")]
    assert not [path for path in plan.write if path.startswith("kp/menus/")]
    world.publish(commits[-1], back)
    assert world.served({A, B}) == expected(back, {A, B})


def test_nothing_goes_while_a_kept_generation_cant_be_read(world: World) -> None:
    commits = history()
    broken = f"000004-{commits[3].id[:12]}"
    (world.root / "kp/generations" / broken / "STATE").write_text("{")
    assert (
        world.target.sweep(Keep([commits[3].id], now=NOW + 30 * DAY, grace=DAY)) == []
    )
    assert len(names(world, "generations")) == 10
    assert world.target.sweep(Keep(now=NOW + 30 * DAY, grace=DAY))


def test_foreign_names_and_living_temps_stay(world: World) -> None:
    theirs = world.root / "kp/menus/mine"
    theirs.mkdir()
    other = world.root / "kp/objects/.kp-tmp-1.0-aa"  # init started at another time
    other.mkdir()
    gone = world.target.sweep(Keep(now=NOW + 30 * DAY, grace=DAY))
    assert theirs.is_dir()
    assert not other.exists()
    assert "kp/objects/.kp-tmp-1.0-aa" in gone


def test_a_target_without_a_publish(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    world = World(tmp_path / "new")
    world.target.create()
    assert world.target.sweep(Keep(now=NOW, grace=DAY)) == []


def test_who_is_on_the_way_over_the_last_switches_still_gets_there(
    tmp_path: Path,
) -> None:
    """A look-up that read an entry point in transition ends in a generation of then."""
    world = World(tmp_path)
    world.target.create()
    old = None
    for number in range(1, 11):
        kernels = {WEB: "6.0", DB: "6.0"}
        commit = Commit(number, kernels, {A: ((WEB, DB)[number % 2], None)})
        world.publish(old, commit, now=NOW + number)
        old = commit
    on_the_way = world.root / "kp/live/+"
    there = {path.name: path.resolve(strict=True) for path in on_the_way.iterdir()}
    assert len({path.parts for path in there.values()}) > 1
    world.target.sweep(Keep(now=NOW + 20, grace=DAY))
    assert {p.name: p.resolve(strict=True) for p in on_the_way.iterdir()} == there
