"""What a run takes of a long sweep comes round, and can be run again."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.rotation import Rotation, today

CONFTEST = Path(__file__).parents[1] / "conftest.py"
PROBE = """
import random, pytest
from hypothesis import given, strategies

@given(strategies.integers())
def test_chance(seed, full, one_in, number):
    print("told", seed, full, list(range(9))[one_in(3)], number)

@pytest.mark.system
def test_that_lacks_something():
    pytest.skip("no QEMU")
"""


def run(where: Path, *arguments: str) -> str:
    """Run the probe in processes of xdist, with kp's own conftest."""
    (where / "test_probe.py").write_text(PROBE)
    (where / "conftest.py").write_text(CONFTEST.read_text())
    (where / "pytest.ini").write_text(
        f"[pytest]\npythonpath = {CONFTEST.parent}\nmarkers = system\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-n1", "-rP", *arguments]
    return subprocess.run(
        command, cwd=where, check=False, capture_output=True, text=True
    ).stdout


def told(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("told")]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_seeds_that_follow_each_other_are_the_whole_sweep_once(count: int) -> None:
    points = list(range(100))
    parts = [points[Rotation(today() + n).one_in(count)] for n in range(count)]
    assert sorted(point for part in parts for point in part) == points


def test_a_full_run_takes_every_point_whatever_its_seed() -> None:
    assert list(range(9))[Rotation(5, full=True).one_in(4)] == list(range(9))


def test_a_run_says_how_to_run_it_again(tmp_path: Path) -> None:
    first = run(tmp_path, "-k", "chance")
    assert f'ARGS="--seed {today()}"' in first or f'"--seed {today() - 1}"' in first
    seed = first.partition("--seed ")[2].partition('"')[0]
    assert told(first)
    assert told(run(tmp_path, "-k", "chance", "--seed", seed)) == told(first)


def test_a_seed_and_full_reach_every_process(tmp_path: Path) -> None:
    output = run(tmp_path, "-k", "chance", "--seed", "7", "--full")
    assert 'ARGS="--seed 7 --full"' in output
    assert told(output)[0].startswith(f"told 7 True {list(range(9))}")
    part = told(run(tmp_path, "-k", "chance", "--seed", "7"))
    assert part[0].startswith("told 7 False [1, 4, 7]")


def test_a_system_test_that_skips_fails(tmp_path: Path) -> None:
    output = run(tmp_path, "-k", "lacks")
    assert "1 failed" in output
    assert "a system test never skips" in output
