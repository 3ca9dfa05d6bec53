"""Streams that can't be written: the exit status tells of the commit all the same."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import Cluster, copy, digest, template
from support.streams import CONDITIONS, Ended, run_all

# In turn on one site; `M` is a message, `CSV`, `TREE` and `ROOT` are places.
COMMITS = """
    image set web --params quiet -m M
    entry add web x --like production -m M
    entry set web x --add-param single -m M
    default web x -m M
    good web -m M
    group add g --nodes n01 --add-param panic=5 -m M
    group set g --priority 3 -m M
    group rm g -m M
    node add n99 --mac 02:00:00:00:09:99 --image web -m M
    node set n99 --add-param debug -m M
    node import CSV --format csv -m M
    node rm n99 -m M
    kernel add web --installed 6.1.0-28 --name again -m M
    kernel rm web again -m M
    image add new --tree TREE -m M
    image rm new -m M
    target add boot2 --kind tftp --root ROOT --loader grub -m M
    target disable boot2 -m M
    target enable boot2 -m M
    target rm boot2 -m M
    next n01 --entry production -m M
    next n01 --clear
    revert HEAD -m M
    bad web x -m M
    rollback web --to r2 -m M
"""
DRAFTS = "image set db --params noapic|commit -m M|image set db --params x|discard"
UPKEEP = "publish|gc|target adopt boot1"
READS = """
    status
    log
    show
    diff r1 r2
    plan
    node list
    node show n01
    group list
    image show web
    entry show web production --node n01
    kernel list web
    target list
    verdict list
    why n01
    at r2 --node n01
    blame web production
    verify --quick
    schema
    image set web --params other -n
    rollback web --to r2 -n
    revert r2 -m M -n
    gc --dry-run
    commit -n
"""

# Each condition with and without --json; half of them in `make test-system`.
CASES = [
    pytest.param(
        condition,
        as_json,
        id=f"{condition}{' json' if as_json else ''}",
        marks=[] if as_json is bool(at % 2) else [pytest.mark.slow],
    )
    for at, condition in enumerate(CONDITIONS)
    for as_json in (False, True)
]


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cl\u00fcster")
    (made.where / "root").mkdir()
    (made.where / "more.csv").write_text("name,mac\nn98,02:00:00:00:09:98\n", "utf-8")
    return made


def commands(made: Cluster, text: str, *more: str) -> list[list[str]]:
    places = {
        "M": "Gr\u00fc\u00dfe \U0001f600",
        "CSV": str(made.where / "more.csv"),
        "TREE": str(made.tree("db")),
        "ROOT": str(made.where / "root"),
    }
    lines = [line.split() for line in text.replace("|", "\n").splitlines() if line]
    return [
        [*(places.get(word, word) for word in line), *more] for line in lines if line
    ]


def check_said(ended: Ended, condition: str, as_json: bool) -> None:
    """Hold what was printed against where it was printed to."""
    assert "Traceback" not in ended.out + ended.err, ended
    assert "mistake in kp" not in ended.out + ended.err, ended
    if condition == "ascii":
        assert ended.out.isascii()
        if as_json and "schema" not in ended.words:
            json.loads(ended.out)


@pytest.mark.parametrize(("condition", "as_json"), CASES)
def test_what_is_done_is_done(
    made: Cluster, tmp_path: Path, condition: str, as_json: bool
):
    """Every verb that commits, edits a draft or works on the disk."""
    more = ("--json",) if as_json else ()
    text = f"{COMMITS}\n{DRAFTS}\n{UPKEEP}"
    tip, moved = made.main(), []
    for ended in run_all(made.site, tmp_path, condition, commands(made, text, *more)):
        assert ended.status == 0, ended
        check_said(ended, condition, as_json)
        if condition in ("closed", "full"):
            assert "stdout can't be written" in ended.err, ended
        elif condition == "gone":
            assert "can't be written" not in ended.err, ended
        if ended.main.strip() != tip:
            tip = ended.main.strip()
            moved.append(ended.words)
    assert len(moved) == len(commands(made, COMMITS)) + 1, moved
    assert made.json("plan")["changes"] == []
    assert "boot2" not in (made.site / "kp.toml").read_text("utf-8")
    made.kp("verify")


@pytest.mark.parametrize(("condition", "as_json"), CASES)
def test_an_answer_that_can_t_be_printed_is_an_error(
    made: Cluster, tmp_path: Path, condition: str, as_json: bool
):
    made.kp("publish")
    more = ("--json",) if as_json else ()
    words = commands(made, READS, *more)
    usual = run_all(made.site, tmp_path, "usual", words)
    before = (made.served(), digest(made.site / "state.git/refs"))
    for ended, whole in zip(
        run_all(made.site, tmp_path, condition, words), usual, strict=True
    ):
        assert whole.status in (0, 4), whole
        check_said(ended, condition, as_json)
        if "closed" in condition or "full" in condition:
            assert ended.status == 1, ended
            if "both" not in condition:
                assert "kp: stdout can't be written" in ended.err, ended
        else:
            assert ended.status == whole.status, ended
    assert (made.served(), digest(made.site / "state.git/refs")) == before


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_target_that_lags_is_6(made: Cluster, tmp_path: Path, condition: str):
    (made.tftp / "kp/TARGET").unlink()
    words = commands(
        made, "image set web --params quiet -m M|rollback web --to r2 -m M"
    )
    for ended in run_all(made.site, tmp_path, condition, words):
        assert ended.status == 6, ended
    assert made.main() != made.json("log", "-n", "3")[2]["commit"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_new_site_is_made(tmp_path: Path, condition: str):
    (ended,) = run_all(tmp_path / "site", tmp_path, condition, [["init"]])
    assert ended.status == 0, ended
    assert ended.main


@pytest.mark.parametrize(
    "words", [["image", "set", "nope", "--params", "x", "-m", "M"], ["why", "n77"]]
)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_error_stays_what_it_is(
    made: Cluster, tmp_path: Path, condition: str, words: list[str]
):
    for ended in run_all(
        made.site, tmp_path, condition, [words, [*words, "--json"], [*words, "-x"]]
    ):
        assert ended.status == (2 if "-x" in ended.words else 1), ended
        check_said(ended, condition, as_json=False)


SHELL = {
    "closed": ">&-",
    "full": ">/dev/full",
    "gone": "| true",
    "ascii": ">out",
    "both closed": ">&- 2>&-",
    "both full": ">/dev/full 2>&1",
    "both gone": "2>&1 | true",
}


@pytest.mark.parametrize(
    "words", ["image set web --params quiet -m x", "log", "--help"]
)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_real_process_ends_so_too(made: Cluster, condition: str, words: str):
    """Python itself flushes as it ends; that must not change the status."""
    script = (
        f"{sys.executable} -m kpcmd {words} {SHELL[condition]}; echo ${{PIPESTATUS[0]}}"
    )
    more = {"PYTHONIOENCODING": "ascii"} if condition == "ascii" else {}
    before = made.main()
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=made.where,
        env={**os.environ, "KP_SITE": str(made.site), "KP_USER": "j\u00f6rg", **more},
        capture_output=True,
        text=True,
        check=True,
    )
    lost = "closed" in condition or "full" in condition
    expected = "1" if words == "log" and lost else "0"
    if words == "--help":  # typer says nothing where there is nowhere to say it
        expected = "1" if "full" in condition else "0"
    assert done.stdout.splitlines()[-1] == expected, done
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert (made.main() != before) is ("-m x" in words)
