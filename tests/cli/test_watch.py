"""`kp status --watch`: what changes meanwhile is seen, until a person stops it."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from kpcmd.app import main
from kpcmd.context import World
from kpcmd.terminal.pager import Screen
from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def watched(made: Cluster, *argv: str, screen: Screen | None = None) -> str:
    """Watch a commit come in, and stop after the third look."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise KeyboardInterrupt
        made.kp("image", "set", "web", "--add-param", "nosmt", "-m", "meanwhile")

    world = World("ann", "head", sleep=sleep, site=made.site, screen=screen)
    out = io.StringIO()
    with redirect_stdout(out):
        status = main(["status", "--watch", "--interval", "2", *argv], world)
    assert status == 0
    assert waited == [2] * 3
    return out.getvalue()


def test_a_commit_that_comes_in_is_seen(made: Cluster) -> None:
    before = made.json("status")["revision"]
    text = watched(made)
    looks = [line for line in text.splitlines() if line.startswith("site ")]
    assert len(looks) == 3
    assert before in looks[0]
    assert "meanwhile" in looks[1]
    assert "\x1b" not in text


def test_on_a_terminal_each_look_takes_the_place_of_the_last(made: Cluster) -> None:
    text = watched(made, screen=Screen(80, 24, ("false",)))
    assert text.count("\x1b[H\x1b[2J") == 3


def test_for_a_program_each_look_is_a_document(made: Cluster) -> None:
    rest, documents = watched(made, "--json").strip(), []
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        documents.append(document["subject"])
        rest = rest[end:].strip()
    assert documents[1:] == ["meanwhile"] * 2


def test_a_look_every_instant_is_refused(made: Cluster) -> None:
    made.kp("status", "--watch", "--interval", "0", expected=2)
