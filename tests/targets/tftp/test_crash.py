"""A process killed at any point of staging and switching, and what mends it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from kpstore.errors import Refused
from kpstore.targets.keep import Keep
from support.rotation import OneIn
from support.tftp_world import (
    DB,
    NEW,
    NODES,
    OLD,
    WEB,
    Commit,
    World,
    change,
    expected,
    whole,
)

ALL = set(NODES)
CALLS = (
    "fsync",
    "link",
    "mkdir",
    "open",
    "rename",
    "replace",
    "rmdir",
    "symlink",
    "unlink",
    "write",
)


def killed_at(call: int, work: Callable[..., object], *arguments: object) -> bool:
    """Run `work` in a child that dies before its n-th call; tell whether it did."""
    child = os.fork()
    if not child:
        try:
            _count_down(call)
            work(*arguments)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, 9}, "the child failed by itself"
    return status == 9


def _count_down(call: int) -> None:
    left = call

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            return real(*args, **options)

        return wrapper

    for name in CALLS:
        setattr(os, name, dying(getattr(os, name)))


def switch(world: World, old: Commit | None, new: Commit) -> None:
    world.target.stage(change(old, new)).switch()


def settle(world: World, old: Commit | None, new: Commit) -> None:
    """Finish as the next writer does: what main says, by whichever way is open."""
    target = world.new_target()
    if target.marker() != new.marker or target.unfinished():
        target.stage(whole(new)).switch()


def again(world: World, old: Commit | None, new: Commit) -> None:
    world.new_target().stage(change(old, new)).switch()


def all_of_it(world: World, old: Commit | None, new: Commit) -> None:
    world.new_target().stage(whole(new)).switch()


def start(tmp_path: Path, name: str, old: Commit | None) -> World:
    """Return a world where `old` is published: a copy of one made before."""
    first = tmp_path / f"r{old.revision if old else 0}"
    if not first.exists():
        first.mkdir()
        world = World(first)
        world.target.create()
        if old is not None:
            world.publish(None, old)
    shutil.copytree(first, tmp_path / name, symlinks=True)
    return World(tmp_path / name)


@pytest.fixture
def quick_path() -> Iterator[Path]:
    """A directory in memory: no test here is about what a disk keeps."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize(("mend", "step"), [(settle, 3), (again, 7), (all_of_it, 10)])
@pytest.mark.parametrize(
    ("old", "new"),
    [(None, OLD), (OLD, NEW), (NEW, replace(OLD, revision=3))],
    ids=["first", "change", "back"],
)
def test_killed_anywhere(
    quick_path: Path,
    mend: Callable[[World, Commit | None, Commit], None],
    step: int,
    old: Commit | None,
    new: Commit,
    one_in: OneIn,
) -> None:
    nothing = Commit(0, {})
    was = expected(old or nothing, ALL)
    if old is None:
        was = dict.fromkeys(was, ("no menu", b""))
    becomes = expected(new, ALL)
    part = one_in(step)
    for point in count(part.start, part.step):
        world = start(quick_path, f"{point}", old)
        if not killed_at(point, switch, world, old, new):
            break
        served = world.served(ALL)
        switched = world.new_target().marker() == new.marker
        assert served == (becomes if switched else was), point
        mend(world, old, new)
        assert world.served(ALL) == becomes, point
        target = world.new_target()
        target.sweep(Keep(now=1e12, grace=0))
        assert target.verify(whole(new), deep=True) == [], point
        assert not target.unfinished()
        assert world.temps() == [], point
    assert point > 80


def test_killed_while_mending(quick_path: Path) -> None:
    """Killed in the switch, and killed again wherever in what mends it."""
    becomes = expected(NEW, ALL)
    world = start(quick_path, "count", OLD)
    total = 0
    while killed_at(total, switch, world, OLD, NEW):
        total += 7
        world = start(quick_path, f"count{total}", OLD)
    for first in range(total // 2, total, 16):
        second, done = 0, False
        while not done:
            world = start(quick_path, f"{first}-{second}", OLD)
            killed_at(first, switch, world, OLD, NEW)
            done = not killed_at(second, all_of_it, world, OLD, NEW)
            switched = world.new_target().marker() == NEW.marker
            assert world.served(ALL) == (becomes if switched else expected(OLD, ALL))
            all_of_it(world, OLD, NEW)
            assert world.new_target().verify(whole(NEW), deep=True) == []
            second += 9


def killed_after_moving(quick_path: Path) -> World:
    """Return a target whose entry points move and whose `live` is the old one."""
    for point in range(1000):
        world = start(quick_path, f"{point}", OLD)
        killed_at(point, switch, world, OLD, NEW)
        if any("/+/" in os.readlink(p) for p in (world.root / "grub").iterdir()):
            return world
    raise AssertionError("no entry point moved")


def test_a_difference_to_an_unfinished_switch_is_refused(quick_path: Path) -> None:
    world = killed_after_moving(quick_path)
    target = world.new_target()
    assert target.unfinished()
    assert [f.kind for f in target.quick(target.stamps()).findings] == ["unfinished"]
    other = replace(OLD, revision=3, kernels={WEB: "6.12", DB: "6.1"})
    with pytest.raises(Refused, match="interrupted"):
        target.stage(change(OLD, other))


def test_going_back_from_an_unfinished_switch(quick_path: Path) -> None:
    """A restored backup: the change under way is no more, the old one stays."""
    world = killed_after_moving(quick_path)
    target = world.new_target()
    assert target.plan(whole(OLD)).remove
    target.stage(whole(OLD)).switch()
    assert world.served(ALL) == expected(OLD, ALL)
    assert target.verify(whole(OLD), deep=True) == []
    other = replace(OLD, revision=3, kernels={WEB: "6.12", DB: "6.1"})
    world.publish(OLD, other)
    assert world.served(ALL) == expected(other, ALL)


def test_another_commit_over_an_unfinished_switch(quick_path: Path) -> None:
    world = killed_after_moving(quick_path)
    other = replace(OLD, revision=3, nodes={**OLD.nodes, NODES[1]: (WEB, 6)})
    world.new_target().stage(whole(other)).switch()
    assert world.served(ALL) == expected(other, ALL)
    assert world.new_target().verify(whole(other), deep=True) == []


def test_an_error_of_the_disk_in_the_switch(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OSError instead of death: the same promise, and switch() can be repeated."""
    real = os.rename
    for failing in range(40):
        world = start(quick_path, f"{failing}", OLD)
        staged = world.target.stage(change(OLD, NEW))
        calls = iter(range(1000))

        def broken(
            *args: Any, calls: Any = calls, failing: int = failing, **options: Any
        ) -> None:
            if next(calls) == failing:
                raise OSError(5, "Input/output error", args[1])
            real(*args, **options)

        monkeypatch.setattr(os, "rename", broken)
        try:
            staged.switch()
        except OSError:
            switched = world.new_target().marker() == NEW.marker
            assert world.served(ALL) == expected(NEW if switched else OLD, ALL)
            staged.switch()
        else:
            assert failing > 10
            return
        finally:
            monkeypatch.setattr(os, "rename", real)
        assert world.served(ALL) == expected(NEW, ALL)
        assert world.new_target().verify(whole(NEW), deep=True) == []


def test_discarded_at_any_state(quick_path: Path) -> None:
    world = start(quick_path, "x", OLD)
    before = sorted(str(p) for p in world.root.rglob("*"))
    generation = change(OLD, NEW)
    world.target.stage(generation).discard()
    assert sorted(str(p) for p in world.root.rglob("*")) == before
    staged = world.target.stage(generation)
    staged.switch()
    staged.discard()
    assert world.served(ALL) == expected(NEW, ALL)
