"""Nodes read while kp publishes: each look-up gets a whole menu of one commit."""

import os
import threading
import time
from pathlib import Path

from support.tftp_world import DB, GPU, WEB, Commit, World, change, mac

PUBLISHES, COMPARED = 50, 1000
MOVING, STAYING, OWN = mac(0), mac(1), mac(2)


def commit(revision: int) -> Commit:
    """Every commit moves a node, changes a kernel and a node's own file."""
    even = revision % 2 == 0
    kernels = {WEB: ("6.1", "6.6")[even], DB: "6.12", GPU: "6.1"}
    nodes: dict[str, tuple[str, int | None]] = {
        MOVING: ((WEB, DB)[even], None),
        STAYING: (WEB, None),
        OWN: ((WEB, DB)[even], revision if revision % 3 else None),
    }
    return Commit(revision, kernels, nodes)


class Reader(threading.Thread):
    """Reads nodes' menus by one open(2) each, as a TFTP server does."""

    def __init__(self, root: Path, stop: threading.Event) -> None:
        super().__init__()
        self.root = root
        self.stop = stop
        self.seen: list[tuple[str, bytes, int]] = []
        self.missing = 0
        self.reads = 0

    def run(self) -> None:
        names = {
            node: str(self.root / f"pxelinux.cfg/01-{node.replace(':', '-')}")
            for node in (MOVING, STAYING, OWN)
        }
        while not self.stop.is_set():
            for node, name in names.items():
                self.read(node, name)

    def read(self, node: str, name: str) -> None:
        self.reads += 1
        before = os.readlink(self.root / "kp/live")
        try:
            file = os.open(name, os.O_RDONLY)
        except OSError:
            self.missing += 1
            return
        data = os.read(file, 4096)
        os.close(file)
        if os.readlink(self.root / "kp/live") == before:
            self.seen.append((node, data, int(before[12:18])))


def compared(readers: list[Reader]) -> int:
    return sum(len(reader.seen) for reader in readers)


def test_readers_during_fifty_publishes(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.target.create()
    now = commit(1)
    world.publish(None, now)
    stop = threading.Event()
    readers = [Reader(world.root, stop) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        while now.revision <= PUBLISHES or compared(readers) <= COMPARED:
            new = commit(now.revision + 1)
            world.target.stage(change(now, new)).switch()
            now = new
            time.sleep(0.002)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    wrong = [
        (revision, node)
        for reader in readers
        for node, data, revision in reader.seen
        if data != menu(commit(revision), node)
    ]
    reads = sum(reader.reads for reader in readers)
    print(f"{reads} reads, {compared(readers)} of one commit, {len(wrong)} of another")
    assert sum(reader.missing for reader in readers) == 0
    assert wrong == []


def test_a_look_up_that_takes_some_switches_finds_its_menu(tmp_path: Path) -> None:
    """It has read the entry point while that moved, and then waited."""
    world = World(tmp_path)
    world.target.create()
    now = commit(1)
    world.publish(None, now)
    seen: list[tuple[Path, bytes]] = []
    for revision in range(2, 12):
        world.target.stage(change(now, commit(revision))).switch()
        now = commit(revision)
        (key,) = _pairs(world.root / "kp/live/+")
        path = world.root / "kp/live/+" / key / "pxelinux"
        seen.append((path, path.read_bytes()))
    for path, data in seen[1:]:
        assert path.read_bytes() == data
    assert not seen[0][0].exists()


def _pairs(home: Path) -> list[str]:
    """The links of the last switch from template to template."""
    return [
        path.name
        for path in home.iterdir()
        if path.is_symlink() and not os.readlink(path).startswith("../../")
    ]


def menu(of: Commit, node: str) -> bytes:
    name, index = of.nodes[node]
    return of.menu(name, "pxelinux", index)
