"""A root of before, without shelves: read, verified, mended, and brought over."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from kpstore.targets.keep import Keep
from support import tftp_before
from support.rotation import OneIn
from support.tftp_before import kp_of_before
from support.tftp_world import (
    DB,
    NEW,
    NODES,
    NOW,
    OLD,
    WEB,
    Commit,
    World,
    expected,
    fetch,
    links,
    whole,
)
from targets.tftp.test_crash import killed_at

ALL = set(NODES)
THIRD = replace(NEW, revision=3, kernels={WEB: "6.1", DB: "6.6", **NEW.kernels})


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.target.create()
    tftp_before.publish(world, OLD)
    return world


def drawn_before(world: World, commit: Commit) -> object:
    """What was drawn by another kp, as it lies there."""
    live = world.state()
    with kp_of_before():
        drawn = replace(whole(commit), drawn_before=True)
    return replace(drawn, menus={}, kept=frozenset(live.templates()))


def flat_names(world: World) -> set[str]:
    """The templates that the live generation links itself, but for the policy."""
    return {n.name for n in (world.root / "kp/live").iterdir() if "~" in n.name[1:]}


def flat_entries(world: World) -> list[str]:
    """Entry points that lead to a template past its shelf."""
    return [
        name
        for name, text in links(world.root)
        if not name.startswith("kp/") and re.search(r"/live/[^/]+~[^/]+/\w+$", text)
    ]


def test_it_is_what_that_kp_wrote(world: World) -> None:
    names = {path.name for path in (world.root / "kp").iterdir()}
    assert names == {"TARGET", "live", "generations", "menus", "shards", "objects"}
    assert flat_names(world) == {WEB, DB}
    assert b'"shelves"' not in (world.root / "kp/live/STATE").read_bytes()
    with kp_of_before():
        assert world.served(ALL) == expected(OLD, ALL)


def test_it_is_verified_by_what_it_is_and_mended_without_shelves(
    world: World, tmp_path: Path
) -> None:
    meant = drawn_before(world, OLD)
    assert world.target.verify(meant, deep=True) == []
    assert world.target.quick(world.target.stamps()) == ([], True)
    (world.root / "kp/live" / WEB).unlink()
    entry = world.root / f"pxelinux.cfg/01-{NODES[0].replace(':', '-')}"
    text = os.readlink(entry)
    entry.unlink()
    found = world.target.repair(meant, tmp_path / "found")
    assert sorted(each.kind for each in found) == ["missing", "missing"]
    assert os.readlink(entry) == text
    assert flat_names(world) == {WEB, DB}
    with kp_of_before():
        assert world.served(ALL) == expected(OLD, ALL)


def test_the_next_commit_brings_it_over(world: World) -> None:
    world.target.stage(whole(NEW)).switch()
    assert world.served(ALL) == expected(NEW, ALL)
    assert world.target.verify(whole(NEW), deep=True) == []
    assert {WEB, DB} <= flat_names(world)  # for look-ups under way
    assert flat_entries(world) == []
    now = NEW
    for number in range(3, 11):
        assert fetch(world.root, f"kp/live/{WEB}/grub"), number
        new = replace(NEW, revision=number, kernels={**NEW.kernels, WEB: "6.1"})
        new = new if number % 2 else replace(NEW, revision=number)
        world.target.stage(whole(new, now=NOW + number)).switch()
        now = new
    assert flat_names(world) == set()
    assert world.served(ALL) == expected(now, ALL)
    assert world.target.verify(whole(now), deep=True) == []


@pytest.fixture
def quick_path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def bring_over(world: World) -> None:
    world.new_target().stage(whole(NEW)).switch()


@pytest.mark.parametrize("next_is", [NEW, THIRD], ids=["the same", "another"])
def test_killed_anywhere(quick_path: Path, next_is: Commit, one_in: OneIn) -> None:
    first = World(quick_path)
    first.target.create()
    tftp_before.publish(first, OLD)
    with kp_of_before():
        was = first.served(ALL)
    part = one_in(3)
    for point in count(part.start, part.step):
        where = quick_path / f"{point}"
        where.mkdir()
        shutil.copytree(first.root, where / "tftp", symlinks=True)
        world = World(where)
        if not killed_at(point, bring_over, world):
            break
        switched = world.new_target().marker() == NEW.marker
        assert world.served(ALL) == (expected(NEW, ALL) if switched else was), point
        world.new_target().stage(whole(next_is)).switch()
        assert world.served(ALL) == expected(next_is, ALL), point
        target = world.new_target()
        target.sweep(Keep(now=1e12, grace=0))
        assert target.verify(whole(next_is), deep=True) == [], point
        assert flat_entries(world) == [], point
        assert world.temps() == [], point
        shutil.rmtree(where)
    assert point > 80
