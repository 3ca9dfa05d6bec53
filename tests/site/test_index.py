"""A row of the index with a flipped bit: SQLite is content, and nobody boots by it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.cli import Cluster, copy, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


FLIPPED = (
    "UPDATE nodes SET template = 2 WHERE name = 'n01'",
    "UPDATE nodes SET template = 9 WHERE name = 'n01'",
    "UPDATE uniques SET node = 'n21' WHERE node = 'n01'",
    "UPDATE uniques SET value = replace(value, ':07', ':87')",
    "UPDATE templates SET key = replace(key, 'db', 'dc')",
    "UPDATE templates SET key = replace(key, 'web', 'edge')",
)


@pytest.mark.parametrize("sql", FLIPPED)
def test_a_wrong_row_of_the_index_draws_nothing(made: Cluster, sql: str):
    served = made.served()
    with closing(sqlite3.connect(made.site / "cache/index.db")) as database:
        database.execute(sql)
        database.commit()
    made.kp("verify")
    done = made.kp("publish")
    assert "otherwise than main" in done.err
    assert made.served() == served
    assert "otherwise" not in made.kp("publish").err
    assert "and says what main says" in run(made.site, "doctor", "--deep").out


@pytest.mark.parametrize("sql", FLIPPED)
def test_a_root_that_is_drawn_anew_is_right_whatever_the_index_says(
    made: Cluster, sql: str
):
    """By the next commit, which brings along what lagged."""
    entry = made.tftp / "pxelinux.cfg/01-02-00-00-00-00-01"
    leads = entry.readlink()
    with closing(sqlite3.connect(made.site / "cache/index.db")) as database:
        database.execute(sql)
        database.commit()
    (made.tftp / "kp/live").unlink()
    made.kp("image", "set", "edge", "--params", "quiet", "-m", "another image")
    assert entry.readlink() == leads
    made.kp("verify")
