"""What long work says of itself: on a terminal's stderr, and nowhere else."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from kpcmd.terminal.progress import Amount, StatusLine
from support.cli import Cluster, copy, template
from support.terminals import all_of

KP = (sys.executable, "-m", "kpcmd")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def on_a_terminal(made: Cluster, *argv: str) -> tuple[str, str]:
    """Run kp with stderr on a terminal; return what stdout and the terminal got."""
    ours, theirs = pty.openpty()
    words = [*KP, "--site", str(made.site), *argv]
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
    )
    os.close(theirs)
    text = all_of(ours)
    return done.stdout.decode(), text.decode()


def screen(text: str) -> list[str]:
    """Return the lines that are left on a terminal."""
    lines = text.replace("\r\n", "\n").split("\n")
    return [line.rpartition("\r\x1b[K")[2] for line in lines if line]


COMMANDS = {
    "image set web --params a=1 -m x": ["checking", "staging boot1", "switching boot1"],
    "rollback web --to r2": ["staging boot1", "switching boot1"],
    "publish": ["publishing boot1", "publishing web-tree"],
    "kernel add web --installed 6.1.0-28 --replace": ["taking in"],
    "node import FILE --format csv -m x": ["reading", "checking", "staging boot1"],
}


@pytest.mark.parametrize("words", COMMANDS)
def test_a_terminal_is_told_what_is_being_done(made: Cluster, words: str):
    argv = words.replace("FILE", str(made.where / "nodes.csv")).split()
    if "rollback" in words:
        made.kp("image", "set", "web", "--params", "a=1", "-m", "to go back from")
    if "import" in words:
        made.kp("node", "rm", "n[01-40]", "-m", "to be imported again")
    out, text = on_a_terminal(made, *argv)
    at = [text.find(each) for each in COMMANDS[words]]
    assert -1 not in at, text
    assert at == sorted(at)
    assert not [line for line in screen(text) if line.endswith("…")]
    assert "…" not in out


@pytest.mark.parametrize("option", ["-q", "--json"])
def test_nothing_is_told_where_it_is_not_wanted(made: Cluster, option: str):
    argv = ["image", "set", "web", "--params", "a=1", "-m", "x"]
    assert on_a_terminal(made, *argv, option)[1] == ""


def test_nothing_is_told_on_a_pipe(made: Cluster):
    argv = ["image", "set", "web", "--params", "a=1", "-m", "x"]
    done = subprocess.run(
        [*KP, "--site", str(made.site), *argv], capture_output=True, check=True
    )
    assert done.stderr == b""


def test_an_amount_is_said_now_and_then(capsys: pytest.CaptureFixture[str]):
    amount = Amount(StatusLine(width=40), "taking in")
    for _ in range(100):
        amount.add(100_000)
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert shown == ["", "taking in: 4 MB…", "taking in: 8 MB…"]


def test_a_line_is_as_wide_as_the_terminal(capsys: pytest.CaptureFixture[str]):
    line = StatusLine(width=20)
    line.show("x" * 100)
    line.clear()
    line.clear()
    said = capsys.readouterr().err
    assert said == f"\r\x1b[K{'x' * 18}…\r\x1b[K"


def test_an_amount_is_said_of_its_whole_once_that_is_known(
    capsys: pytest.CaptureFixture[str],
):
    amount = Amount(StatusLine(width=40), "taking in")
    amount.total = 40_000_000
    amount.add(4_000_000)
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert shown == ["", "taking in: 4 of 40 MB…"]
