"""Commits, rollbacks and imports, at three sizes, beside the peers."""

import resource
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clock import Table, medians, seconds, section
from bench.peers import Etckeeper, Git, NodeFiles, symlinks
from bench.world import World, table
from kpstore.inventory.csv import read_nodes

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (1_000, 10_000, 100_000)
TURNS = 9


def measure(place: Path, report: Table) -> dict[int, World]:
    """Fill the table; return the sites by their number of nodes."""
    found: dict[int, dict[str, float]] = {}
    worlds: dict[int, World] = {}
    for count in SIZES:
        with section(f"{count:,} nodes"):
            world = worlds[count] = World(place / f"kp-{count}", count)
            _import(world, "first import", report)
            found[count] = _commits(place, world, report)
    _grown(worlds[SIZES[0]], worlds[SIZES[-1]], report)
    largest = SIZES[-1]
    large = found[largest]["flip"]
    for count in SIZES:
        ours = found[count]
        size = f"{count:,} nodes"
        report.note(f"image change, {size}", f"{ours['flip'] * 1000:.1f} ms")
        report.at_most(
            f"rollback / image change, {size}", ours["back"] / ours["flip"], 1
        )
        report.at_most(
            f"one node / image change, {size}", ours["node"] / ours["flip"], 2.5
        )
    for name, bound in (("git", 5), ("rewrite", 250), ("etckeeper", 80)):
        if name in found[largest]:
            words = f"{name} / image change, 100,000 nodes"
            report.at_least(words, found[largest][name] / large, bound)
        else:
            report.note(f"{name}, 100,000 nodes", f"not run: {name} missing")
    return worlds


def _grown(small: World, large: World, report: Table) -> None:
    """Compare the smallest with the largest site, in turn: a disk changes with time."""
    found = medians({"small": small.flip, "large": large.flip}, TURNS)
    ratio = found["large"] / found["small"]
    report.at_most("image change, t(100,000) / t(1,000)", ratio, 1.5)


def measure_own_files(place: Path, report: Table) -> World:
    """Import as many nodes that each have a file of their own; return the site."""
    with section(f"{SIZES[-1]:,} nodes with a file of their own"):
        world = World(place / "kp-own", SIZES[-1], own=True)
        _import(world, "first import, a file of its own per node,", report)
    return world


def _import(world: World, what: str, report: Table) -> None:
    count, csv = world.count, table(world.count)
    links = seconds(lambda: symlinks(world.where / "links", count))
    parsing = seconds(lambda: read_nodes(csv, None))
    ours = seconds(lambda: world.fill(csv))
    ratio = (ours - parsing) / links
    words = f"{what} less parsing / bare symlinks, {count:,} nodes"
    if count < SIZES[-1]:  # what a commit costs whatever its size weighs more there
        report.note(words, f"{ratio:.3g}x")
    else:
        report.at_most(words, ratio, 5)
    if count == SIZES[-1]:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        report.at_most(f"memory after {what} 100,000 nodes", peak, 600, " MB")


def _commits(place: Path, world: World, report: Table) -> dict[str, float]:
    count = world.count
    files = NodeFiles(place / f"files-{count}", count)
    git = Git(files)
    peers: dict[str, Callable[[int], object]] = {"git": git.commit_and_flip}
    if shutil.which("etckeeper"):
        keeper = Etckeeper(place / f"etc-{count}", files.where)
        peers["etckeeper"] = keeper.commit
    for turn in range(2):  # the first after an import reads what the import wrote
        world.flip(turn)
    ours = {"flip": world.flip, "back": world.back, "node": world.one_node}
    found = medians({**ours, **peers}, TURNS)
    found["rewrite"] = medians({"rewrite": files.rewrite}, 3)["rewrite"]
    return found
