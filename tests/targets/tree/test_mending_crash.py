"""Repairing an image tree, or leaving it, killed at any point: begun again, it ends."""

import pickle
from pathlib import Path

import pytest

from support.crash import ptrace
from support.crash.faults import KILL
from support.crash.script import Ack, Script
from support.crash.sweep import sweep
from support.imagetree import ImageRig, bls, fill, publish, snapshot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
    ),
]

LOADER, ENTRY = "boot/loader/loader.conf", "boot/loader/entries/kp-a.conf"
ORIGINALS = {LOADER: b"theirs\n"}
MODULES = {"modules.dep": b"", "kernel/a.ko": b"driver"}
EDITS = {
    ENTRY: b"edited by hand\n",
    "usr/lib/modules/6.9/kernel/a.ko": b"another driver",
    "usr/lib/modules/6.9/kernel/more.ko": b"one more",
    "boot/kp/notes": b"notes",
}


def remember(where: Path, what: object) -> None:
    (where / "memory").write_bytes(pickle.dumps(what))


def served(where: Path) -> ImageRig:
    """A tree with one commit live, in the place of a foreign loader.conf."""
    rig = ImageRig(where).make()
    fill(rig.root, ORIGINALS)
    remember(where, snapshot(rig.root))
    rig.target().create()
    publish(rig.target(replace=True), commit(rig))
    return rig


def commit(rig: ImageRig):
    return bls(1, a=rig.kernel(b"one", "6.9", MODULES))


def drifted(where: Path) -> None:
    rig = served(where)
    remember(where, (commit(rig), snapshot(rig.root)))
    for name, data in EDITS.items():
        (rig.root / name).write_bytes(data)
    kernel = commit(rig).objects[0].path
    (rig.root / kernel).write_bytes(b"0ne")
    (rig.root / LOADER).unlink()


def repair(where: Path, ack: Ack) -> None:
    made, _ = pickle.loads((where / "memory").read_bytes())
    ImageRig(where).target().repair(made, where / "found")
    ack("repaired")


def repaired(where: Path, acks: list[str]) -> list[str]:
    made, meant = pickle.loads((where / "memory").read_bytes())
    rig = ImageRig(where)
    kept = {path.read_bytes() for path in where.rglob("*") if path.is_file()}
    wrong = [f"{name} is lost" for name, data in EDITS.items() if data not in kept]
    if acks and rig.target().verify(made, deep=True):
        wrong.append("acked, and not repaired")
    repair(where, acks.append)
    if rig.target().verify(made, deep=True):
        wrong.append("not repaired by a second attempt")
    found = snapshot(rig.root)
    return wrong + [
        f"{name} is not as it was"
        for name in found.keys() | meant
        if found.get(name) != meant.get(name) and name != "boot/kp/files"
    ]


def leave(where: Path, ack: Ack) -> None:
    ImageRig(where).target().remove(ORIGINALS)
    ack("left")


def left(where: Path, acks: list[str]) -> list[str]:
    before = pickle.loads((where / "memory").read_bytes())
    rig = ImageRig(where)
    if not acks:
        leave(where, acks.append)
    found = snapshot(rig.root)
    return [
        f"{name} is not as it was before kp"
        for name in found.keys() | before
        if found.get(name) != before.get(name)
    ]


@pytest.mark.parametrize(
    "script",
    [
        Script("repair", drifted, repair, repaired),
        Script("leave", lambda where: served(where) and None, leave, left),
    ],
    ids=lambda script: script.name,
)
def test_killed_anywhere(script: Script) -> None:
    report = sweep(script, [KILL])
    print(report)
    assert report.bad == 0
    assert report.runs > 20
