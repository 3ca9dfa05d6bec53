"""A site of many images beside one of a single one, with as many nodes, in turn."""

from pathlib import Path

from bench.clock import Table, medians, section
from bench.world import World, table

_NODES = 10_000
_IMAGES = 1_000
_TURNS = 15  # with two sweeps, which come every eighth commit, on either side


def measure(place: Path, report: Table) -> None:
    """Fill the table with how a change costs where there are other images."""
    with section(f"{_IMAGES:,} images"):
        one, many = (_filled(place / f"images-{n}", n) for n in (1, _IMAGES))
        runs = {
            "image one": one.flip,
            "image many": many.flip,
            "node one": one.one_node,
            "node many": many.one_node,
        }
        for turn in range(2):
            for run in runs.values():
                run(turn)
        found = medians(runs, _TURNS)
    for what in ("image", "node"):
        ratio = found[f"{what} many"] / found[f"{what} one"]
        words = f"{what} change, {_IMAGES:,} images / one, {_NODES:,} nodes, in turn"
        report.at_most(words, ratio, 1.5)


def _filled(where: Path, images: int) -> World:
    world = World(where, _NODES, images=images)
    world.fill(table(_NODES, images))
    return world
