"""Random histories agree: what is served, what kp says, what the model says.

A history that disagrees is made short and printed as `kp` commands, with its seed.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from histories import driver
from support.figures import Figure
from support.rotation import Rotation

SAMPLE, IN_CI, FULL = 10, 100, 2_000


def _tell(first: int, count: int, figure: Figure) -> None:
    """Tell `count` histories from seed `first` on; each has a seed of its own."""
    told = driver.Told()
    for seed in range(first, first + count):
        failure = driver.history(seed, told=told)
        if failure:
            pytest.fail(f"{driver.shortened(failure)}\n\nas found: {failure}")
    steps = sum(told.steps.values())
    assert steps == count * driver.LENGTH
    figure(f"histories: {count} from seed {first}: {steps:,} steps, {told}")


@pytest.mark.parametrize("number", range(SAMPLE))
def test_histories_agree(number: int, rotation: Rotation, figure: Figure) -> None:
    _tell(_first(rotation) + number, 1, figure)


@pytest.mark.system  # for its length alone
@pytest.mark.parametrize("part", range(10))
def test_many_histories_agree(part: int, rotation: Rotation, figure: Figure) -> None:
    count = (FULL if rotation.full else IN_CI) // 10
    _tell(_first(rotation) + SAMPLE + part * count, count, figure)


def _first(rotation: Rotation) -> int:
    """The first seed of a day: no two days have one in common."""
    return rotation.seed * (SAMPLE + FULL)


_KNOWS_KP = {
    "bugs": {"kpstore"},  # breaks it
    "kernels": {"kpstore.formats"},  # makes what is taken in
    "trial": {
        "kpcmd.app",
        "kpcmd.context",
        "kpstore.operations.staging",
    },  # types, and kills
}


def test_what_judges_shares_no_code_with_what_is_judged() -> None:
    """Model and readers may know of kp what is written, and none of its modules."""
    known = {}
    for path in Path(__file__).parent.glob("*.py"):
        found = {each for each in _imports(path) if each.startswith(("kp", "support"))}
        known[path.stem] = found - set(_KNOWS_KP.get(path.stem, ()))
    known = {name: found for name, found in known.items() if found}
    known.pop("bugs")
    assert known.keys() <= {"trial", "test_histories", "test_seeded"}, known
    assert all(each.startswith("support") for each in known["trial"])


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
