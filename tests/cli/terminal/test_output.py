"""What kp prints: columns, colours where they are wanted, narration elsewhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from kpcmd.app import main
from kpcmd.context import World
from kpcmd.terminal.output import Output
from kpcmd.terminal.table import lined_up
from support.cli import Cluster, copy, run, template


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("output") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


def test_columns_line_up_with_and_without_colours():
    rows = [("web", "good", "20"), ("database", "unknown", "1")]
    plain = lined_up(("IMAGE", "VERDICT", "NODES"), rows)
    assert plain == [
        "IMAGE     VERDICT  NODES",
        "web       good     20",
        "database  unknown  1",
    ]
    out = Output(colour=True)
    painted = lined_up(
        ("IMAGE", "VERDICT", "NODES"), [(a, out.paint(b), c) for a, b, c in rows]
    )
    assert painted[1] == "web       \x1b[32mgood\x1b[0m     20"
    assert painted[2] == plain[2]


ROWS = [("a-long-name-of-an-image", "1234567890" * 4, "r1", "damaged: " + "x" * 60)]
HEADER = ("IMAGE", "PARAMETERS", "REV", "")


def test_long_cells_lose_their_middle_on_a_narrow_terminal():
    plain, narrow = lined_up(HEADER, ROWS), lined_up(HEADER, ROWS, 110)
    assert lined_up(HEADER, ROWS, 200) == plain
    assert len(plain[1]) > 110
    name, cell, revision, *remark = narrow[1].split()
    assert (name, revision) == ("a-long-name-of-an-image", "r1")
    assert " ".join(remark) == ROWS[0][3]
    assert cell == "123456…67890"


@pytest.mark.parametrize("width", range(1, 160, 7))
def test_a_cell_is_cut_no_more_than_it_must(width: int):
    rows = [("n", "a" * 50, "b" * 30, "c" * 5)]
    line = lined_up(("N", "A", "B", "C"), rows, width)[1]
    widest = max(min(width, 92), 1 + 12 + 12 + 5 + 6)
    assert widest - 1 <= len(line) <= widest  # two columns are cut alike


def test_no_rows_no_header():
    assert lined_up(("A", "B"), []) == []


@pytest.mark.parametrize(
    ("colour", "argv", "expected"),
    [(True, [], True), (False, [], False), (True, ["--no-color"], False)],
)
def test_colours_only_where_they_are_wanted(
    made: Cluster,
    capsys: pytest.CaptureFixture[str],
    colour: bool,
    argv: list[str],
    expected: bool,
):
    world = World(user="ann", host="head", site=made.site)
    main(["status", *argv], replace(world, colour=colour))
    assert ("\x1b[" in capsys.readouterr().out) is expected


def test_quiet_is_without_narration_but_with_warnings(made: Cluster):
    words = ("entry", "set", "web", "production", "--params", "quiet", "-n")
    loud = run(made.site, "node", "set", "n[01-03]", "--add-param", "quiet", "-n")
    assert loud.err == "3 nodes: n[01-03]\n"
    quiet = run(made.site, *words, "-q")
    assert quiet.status == 0
    assert all(line.startswith("warning: ") for line in quiet.err.splitlines())


def test_progress_is_for_terminals_only(capsys: pytest.CaptureFixture[str]):
    with Output().progress("taking in") as step:
        step.add(10)
    assert capsys.readouterr() == ("", "")


def test_verbose_names_every_file(made: Cluster):
    words = ("image", "set", "web", "--params", "quiet", "-n")
    assert "  + " not in run(made.site, *words).out
    assert "  + " in run(made.site, *words, "-v").out


def test_the_site_is_found_where_the_world_says(tmp_path: Path, made: Cluster):
    assert run(tmp_path, "--site", str(made.site), "status").status == 0
    missing = run(tmp_path, "status")
    assert missing.status == 1
    assert str(tmp_path) in missing.err
