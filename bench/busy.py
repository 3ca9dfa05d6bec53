"""A busy day: ten thousand commits within the grace time, and a restored backup."""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from bench.clock import Table, seconds, section
from bench.world import World, table
from kpstore.history.git.objects import CommitInfo
from kpstore.history.index import feed
from kpstore.history.paths import MAIN, path_of
from kpstore.history.record import Record
from kpstore.history.record import format as format_record
from kpstore.model.keys import Key

NODES = 1_000
COMMITS = 10_000
BEHIND = 20_000
_SOME = 200  # commits at either end, whose median is taken
_SWEEP_EVERY = 8


def measure(place: Path, report: Table) -> None:
    """Fill the table."""
    with section(f"{COMMITS:,} commits of one node"):
        world = World(place / "busy", NODES)
        world.fill(table(NODES))
        _day(world, report)
    with section(f"a writer {BEHIND:,} commits behind"):
        world = World(place / "behind", NODES)
        world.fill(table(NODES))
        _behind(world, report)


def _day(world: World, report: Table) -> None:
    plain: list[float] = []
    swept: list[float] = []
    before = 0
    for turn in range(COMMITS):
        if turn == _SOME:  # templates that were retired last are at their most
            before = _inodes(world.tftp)
        revision = world.picker().site.record(world.picker().site.tip()).revision + 1
        took = seconds(lambda turn=turn: world.one_node(turn))
        (plain if revision % _SWEEP_EVERY else swept).append(took)
    first, last = (statistics.median(some) for some in (plain[:_SOME], plain[-_SOME:]))
    sweep = statistics.median(swept[-_SOME:]) - last
    added = (_inodes(world.tftp) - before) / (COMMITS - _SOME)
    report.at_most(f"one node, last of {COMMITS:,} commits / first", last / first, 1.3)
    report.at_most("inodes on the TFTP root for each of them", added, 8, "")
    report.at_most("a sweep then / a commit then", sweep / last, 2)


def _inodes(root: Path) -> int:
    return sum(len(folders) + len(files) for _, folders, files in os.walk(root))


def _behind(world: World, report: Table) -> None:
    """Put main ahead of index and target, as where those come from a backup."""
    site = world.picker().site
    tip = site.repository.commit(site.tip())
    _go_ahead(world, tip)
    site = world.picker().site
    anew = seconds(
        lambda: feed.rebuild(world.where / "anew.db", site.repository, site.tip())
    )
    catching_up = seconds(lambda: world.one_node(0))
    words = f"a writer {BEHIND:,} commits behind / the index made anew"
    report.at_most(words, catching_up / anew, 1.5)


def _go_ahead(world: World, tip: CommitInfo) -> None:
    """Change one node's parameters as often as that, by git alone."""
    site = world.picker().site
    path = path_of(Key("node", "n000007"))
    entry = site.repository.lookup(tip.tree, path)
    assert entry
    lines = site.repository.blob(entry.id).decode().splitlines()
    revision, now = site.record(tip.id).revision, int(time.time())
    git = ["git", "--git-dir", str(site.repository.path), "fast-import", "--quiet"]
    process = subprocess.Popen(git, stdin=subprocess.PIPE)
    assert process.stdin
    base = b"from %s\n" % tip.id.encode()
    for number in range(revision + 1, revision + BEHIND + 1):
        record = Record(f"change {number}", number, "edit", argv=("kp",))
        message, data = format_record(record), _changed(lines, number)
        process.stdin.write(
            b"commit %s\nauthor a <a@b> %d +0000\ncommitter kp <kp@b> %d +0000\n"
            b"data %d\n%s\n%sM 100644 inline %s\ndata %d\n%s\n"
            % (
                MAIN.encode(),
                now,
                now,
                len(message),
                message,
                base,
                path.encode(),
                len(data),
                data,
            )
        )
        base = b""
    process.stdin.close()
    assert process.wait() == 0


def _changed(lines: list[str], number: int) -> bytes:
    found = []
    for line in lines:
        node = json.loads(line)
        if node["name"] == "n000007":
            node["params"] = [f"turn={number}"]
        found.append(json.dumps(node, sort_keys=True, separators=(",", ":")))
    return ("\n".join(found) + "\n").encode()
