"""Verifying: quick whatever the size, deep beside reading all that is served."""

import hashlib
import os
from pathlib import Path

from bench.clock import Table, medians, section
from bench.world import World


def measure_quick(small: World, large: World, report: Table) -> None:
    """Fill the table with the quick look, at 1,000 and 100,000 nodes."""

    def look(world: World) -> object:
        return lambda turn: _verify(world, deep=False)

    with section("quick verify"):
        found = medians({"small": look(small), "large": look(large)}, 25)
    report.note("quick verify, 100,000 nodes", f"{found['large'] * 1000:.1f} ms")
    ratio = found["large"] / found["small"]
    report.at_most("quick verify, t(100,000) / t(1,000)", ratio, 1.5)


def measure_deep(world: World, what: str, report: Table) -> None:
    """Fill the table with deep verification at 100,000 nodes."""
    runs = {
        "deep": lambda turn: _verify(world, deep=True),
        "floor": lambda turn: _read_all(world.tftp),
    }
    with section(f"deep verify, {what}"):
        found = medians(runs, 5)
    ratio = found["deep"] / found["floor"]
    words = f"deep verify / scandir, readlink and hashing of all, {what}"
    report.at_most(words, ratio, 1.5)


def _verify(world: World, *, deep: bool) -> None:
    [found] = world.picker().verify(deep=deep)
    assert found.condition == "live"
    assert not found.findings


def _read_all(root: Path) -> None:
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_symlink():
                os.readlink(entry.path)
            elif entry.is_dir():
                _read_all(Path(entry.path))
            else:
                hashlib.sha256(Path(entry.path).read_bytes()).hexdigest()
