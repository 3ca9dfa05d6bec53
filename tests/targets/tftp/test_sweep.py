"""What a sweep of a TFTP target leaves."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

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
    gone = world.target.sweep([commits[3].id], now=NOW + 30 * DAY, grace=DAY)
    assert len(names(world, "generations")) == 2
    assert kernels(world) == {0, 4, 10}
    assert len(names(world, "menus")) == 4  # web twice, db, policy
    assert len(names(world, "shards")) == 2
    assert len([path for path in gone if "/generations/" in path]) == 8
    assert world.target.verify(whole(commits[-1]), deep=True) == []
    assert world.target.sweep([commits[3].id], now=NOW + 30 * DAY, grace=DAY) == []


def test_what_was_live_in_the_grace_time_stays(world: World) -> None:
    """r6 was staged long ago, but nodes were sent to it until r7 came."""
    now = NOW + 3600 * 7 + DAY - 1
    world.target.sweep([], now=now, grace=DAY)
    revisions = {int(name[:6]) for name in names(world, "generations")}
    assert revisions == {6, 7, 8, 9, 10}
    assert kernels(world) == {0, 6, 7, 8, 9, 10}


def test_what_was_staged_and_never_live_goes(world: World) -> None:
    last = history()[-1]
    world.store.add("6.12")
    lost = replace(last, revision=11, kernels={WEB: "6.12", DB: "6.0"})
    world.target.stage(change(last, lost, now=NOW + 3600 * 11))
    gone = world.target.sweep([], now=NOW + 3600 * 11, grace=DAY)
    assert f"kp/generations/000011-{lost.id[:12]}" in gone
    assert not [path for path in gone if path.startswith("kp/generations/00001-")]
    assert len([path for path in gone if path.startswith("kp/menus/")]) == 1


def test_objects_that_nothing_names_stay_for_the_grace_time(world: World) -> None:
    world.store.add("6.12")
    ahead, last = object_file("6.12"), history()[-1]
    lost = replace(last, revision=11, kernels={WEB: "6.12", DB: "6.0"})
    world.target.stage(change(last, lost))
    os.utime(world.root / "kp/objects" / ahead.sha256, (NOW + DAY, NOW + DAY))
    world.target.sweep([], now=NOW + 2 * DAY - 1, grace=DAY)
    assert (world.root / ahead.path).exists()
    world.target.sweep([], now=NOW + 2 * DAY, grace=DAY)
    assert not (world.root / ahead.path).exists()


def test_a_rollback_finds_what_was_kept(world: World) -> None:
    commits = history()
    world.target.sweep([commits[3].id], now=NOW + 30 * DAY, grace=DAY)
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
    assert world.target.sweep([commits[3].id], now=NOW + 30 * DAY, grace=DAY) == []
    assert len(names(world, "generations")) == 10
    assert world.target.sweep([], now=NOW + 30 * DAY, grace=DAY)


def test_foreign_names_and_living_temps_stay(world: World) -> None:
    theirs = world.root / "kp/menus/mine"
    theirs.mkdir()
    other = world.root / "kp/objects/.kp-tmp-1.0-aa"  # init started at another time
    other.mkdir()
    gone = world.target.sweep([], now=NOW + 30 * DAY, grace=DAY)
    assert theirs.is_dir()
    assert not other.exists()
    assert "kp/objects/.kp-tmp-1.0-aa" in gone


def test_a_target_without_a_publish(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    world = World(tmp_path / "new")
    world.target.create()
    assert world.target.sweep([], now=NOW, grace=DAY) == []
