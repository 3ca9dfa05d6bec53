"""`kp commit` without -m: the person's editor is asked why."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kpcmd.app import main
from kpcmd.context import World
from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    made.kp("node", "set", "n01", "--add-param", "single")
    return made


def editor(folder: Path, body: str) -> str:
    """Return an editor: a shell script that is given the file as $1."""
    script = folder / "editor"
    script.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    script.chmod(0o755)
    return f"sh {script}"


def commit(made: Cluster, command: str) -> int:
    world = World(user="ann", host="head", site=made.site, terminal=True)
    return main(["commit"], replace(world, editor=command))


def test_what_is_written_is_the_message(made: Cluster, tmp_path: Path):
    lines = "'The disk is looked at' '' 'It fails now and then.'"
    body = f'cp "$1" {tmp_path}/shown\nprintf "%s\\n" {lines} > "$1"'
    assert commit(made, editor(tmp_path, body)) == 0
    shown = made.json("show", "HEAD")
    assert shown["subject"] == "The disk is looked at"
    assert shown["body"] == "It fails now and then."
    asked = (tmp_path / "shown").read_text("utf-8").splitlines()
    assert all(line.startswith("#") or not line for line in asked)
    assert any("node n01" in line for line in asked)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (":", "the message is empty"),
        ('rm "$1"', "the message is empty"),
        ('printf "\\377" > "$1"', "the message is not UTF-8"),
        ('head -c 300000 /dev/zero | tr "\\0" x > "$1"', "more than 262,144 bytes"),
        ('head -c 70000 /dev/zero | tr "\\0" x > "$1"', "more than 65,536"),
        ("exit 3", "failed with status 3"),
        ("kill -9 $$", "failed with status"),
    ],
)
def test_no_message_no_commit(
    made: Cluster,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    body: str,
    words: str,
):
    before = made.main()
    assert commit(made, editor(tmp_path, body)) == 1
    assert words in capsys.readouterr().err
    assert made.main() == before
    assert made.json("plan")["changes"] == ["node n01"]


@pytest.mark.parametrize("command", ["/no/such/editor", "vi 'x"])
def test_an_editor_that_is_not_there(
    made: Cluster, capsys: pytest.CaptureFixture[str], command: str
):
    assert commit(made, command) == 1
    assert "can't be started" in capsys.readouterr().err


def test_main_that_moved_while_the_message_was_written(made: Cluster, tmp_path: Path):
    """What was shown is what is committed, or nothing is."""
    other = f"{sys.executable} -m kpcmd --site {made.site} good db -m meanwhile"
    body = f'{other} >/dev/null && echo why > "$1"'
    assert commit(made, editor(tmp_path, body)) == 3
    assert made.json("log", "-n", "1")[0]["subject"] == "meanwhile"


def test_a_script_is_not_asked(made: Cluster):
    refused = made.kp("commit", expected=2)
    assert "kp commit -m MESSAGE" in refused.err
