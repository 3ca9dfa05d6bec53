"""What a generation needs is told by the bytes that it serves, whoever reads them."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.errors import CorruptState, InvalidInput, Refused
from kpstore.targets.keep import Keep
from kpstore.targets.tftp.format.canonical import canonical
from kpstore.targets.tftp.format.state import encode_state
from kpstore.targets.tftp.generation import Generation, NodeForm
from support.tftp_world import NOW, WEB, Commit, World, mac, object_file, policy, whole

A, B = mac(0), mac(1)
LATER = NOW + 30 * 86400.0
FIRST = Commit(1, {WEB: "6.1"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A target on which a kernel is named by one node's own file alone."""
    world = World(tmp_path)
    world.target.create()
    world.publish(None, FIRST)
    world.target.stage(own({A: "6.12", B: "6.6"})).switch()
    for path in (world.root / "kp/objects").iterdir():
        os.utime(path, (NOW, NOW))
    return world


def own(
    kernels: dict[str, str], *, revision: int = 2, complete: bool = True
) -> Generation:
    """Return a generation of nodes whose own files alone name their kernels."""
    files = {
        node: {"pxelinux": f"LINUX /{object_file(kernel).path}\n".encode()}
        for node, kernel in kernels.items()
    }
    return replace(
        whole(Commit(revision, {})),
        menus={WEB: policy()} if complete else {},
        kept=frozenset() if complete else frozenset({WEB, "policy"}),
        objects=tuple(object_file(kernel) for kernel in kernels.values()),
        nodes={node: NodeForm(WEB, each) for node, each in files.items()},
        complete=complete,
    )


def state_file(world: World) -> Path:
    return world.root / "kp/live/STATE"


def kernel_of(world: World, kernel: str) -> Path:
    return world.root / object_file(kernel).path


def older(world: World) -> None:
    """Write STATE as a kp did that knew neither seals nor what shards need."""
    document = json.loads(state_file(world).read_bytes())
    document["shards"] = {xx: each["shard"] for xx, each in document["shards"].items()}
    del document["seal"], document["renderer"]
    state_file(world).write_bytes(canonical(document))


def test_what_own_files_alone_name_is_needed(world: World) -> None:
    state = world.state()
    assert state.needs() == {object_file(k).sha256 for k in ("6.6", "6.12")}
    world.target.sweep(Keep(now=LATER, grace=0))
    assert kernel_of(world, "6.12").exists()
    assert not kernel_of(world, "6.1").exists()  # of the first, which went


def test_what_is_carried_over_in_a_shard_stays_needed(world: World) -> None:
    """A and B may share a shard: one is written anew, the other carried over."""
    world.target.stage(own({A: "6.1"}, revision=3, complete=False)).switch()
    state = world.state()
    assert state.needs() == {object_file(k).sha256 for k in ("6.1", "6.6")}


def test_an_older_kp_said_nothing_of_shards_and_they_are_read(world: World) -> None:
    older(world)
    world.target.sweep(Keep(now=LATER, grace=0))
    assert kernel_of(world, "6.12").exists()
    world.target.stage(own({A: "6.1"}, revision=3, complete=False)).switch()
    needs = world.state().needs()
    assert needs == {object_file(k).sha256 for k in ("6.1", "6.6")}


def test_a_sweep_that_is_told_wrong_sweeps_nothing_and_says_so(world: World) -> None:
    state = world.state()
    silent = {xx: replace(part, objects=()) for xx, part in state.shards.items()}
    state_file(world).write_bytes(encode_state(replace(state, shards=silent)))
    there = sorted(path for path in world.root.rglob("*"))
    with pytest.raises(Refused, match=r"nothing is swept: kp/objects/.* would go"):
        world.target.sweep(Keep(now=LATER, grace=0))
    assert sorted(path for path in world.root.rglob("*")) == there


def test_an_immutable_part_is_read_once(world: World) -> None:
    class Memory(dict[str, frozenset[str]]):
        def put(self, part: str, needs: frozenset[str]) -> None:
            self[part] = needs

    memory = Memory()
    world.target.sweep(Keep(now=LATER, remembered=memory))
    assert {object_file("6.12").sha256} in memory.values()
    lying = memory | dict.fromkeys(memory, frozenset({"0" * 64}))
    stray = world.root / "kp/objects" / ("0" * 64)
    stray.mkdir()
    with pytest.raises(Refused, match="0000 would go"):
        world.target.sweep(Keep(now=LATER * 2, remembered=Memory(lying)))


def test_no_generation_names_what_is_not_there(world: World) -> None:
    missing = own({A: "6.6"}, revision=3)
    with pytest.raises(InvalidInput, match="isn't published"):
        world.target.stage(
            replace(
                missing,
                objects=(),
                nodes={A: NodeForm(WEB, {"pxelinux": b"/kp/objects/" + b"9" * 64})},
            )
        )


@pytest.mark.parametrize("at", ["staged", "previous", "renderer", "objects"])
def test_a_state_that_says_something_else_than_was_sealed_is_damaged(
    world: World, at: str
) -> None:
    text = state_file(world).read_text("utf-8")
    where = text.index(f'"{at}"') + 1
    state_file(world).write_text(text[:where] + "x" + text[where + 1 :], "utf-8")
    with pytest.raises(CorruptState, match="not as kp wrote it"):
        world.target.sweep(Keep(now=LATER, grace=0))
