"""Verifying: quick whatever the size, deep beside reading all that is served."""

import hashlib
import os
from pathlib import Path

from bench.clock import Table, medians, section
from bench.world import World


def measure(world: World, report: Table) -> None:
    """Fill the table with deep verification at 100,000 nodes."""

    def deep(turn: int) -> None:
        [found] = world.picker().upkeep.verify(deep=True)
        assert found.condition == "live"
        assert not found.findings

    def floor(turn: int) -> None:
        _read_all(world.tftp)

    with section("verify, 100,000 nodes"):
        found = medians({"deep": deep, "floor": floor}, 5)
    ratio = found["deep"] / found["floor"]
    report.at_most("deep verify / scandir, readlink and hashing of all", ratio, 1.5)


def _read_all(root: Path) -> None:
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_symlink():
                os.readlink(entry.path)
            elif entry.is_dir():
                _read_all(Path(entry.path))
            else:
                hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()
