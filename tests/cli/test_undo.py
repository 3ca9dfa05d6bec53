"""`kp undo`: the newest edit of one's draft goes, and it is said what it was."""

from pathlib import Path

import pytest

from support.cli import Cluster, copy, template

EDIT = ("entry", "set", "web", "production", "--add-param")


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def test_edits_are_taken_back_one_by_one(made: Cluster):
    made.kp(*EDIT, "first")
    made.kp("node", "set", "n01", "--var", "rack=r9")
    one = made.kp("diff").out
    made.kp(*EDIT, "second")
    dry = made.kp("undo", "-n").out
    assert dry.startswith(
        "this would be taken back: kp entry set web production --add-param second\n"
        "entry web/production\n"
    )
    assert made.kp("undo", user="bob").out == (
        "there is nothing to undo: you have no draft\n"
    )
    said = made.kp("undo").out
    assert said == dry.replace("this would be taken back", "taken back")
    assert said.endswith("\n2 edits before it\n")
    assert made.kp("diff").out == one
    found = made.json("undo")
    assert found["left"] == 1
    assert found["undone"]["argv"][:4] == ["kp", "node", "set", "n01"]
    (change,) = found["undone"]["changes"]
    assert (change["document"], change["field"]) == ("node n01", "vars")
    assert made.kp("undo").out.endswith("\nthere is none before it\n")
    assert made.json("status")["draft"] is None
    assert made.json("undo") == {"undone": None, "left": 0}


def test_what_changed_nothing_is_no_edit(made: Cluster):
    made.kp(*EDIT, "first")
    made.kp(*EDIT, "second")
    made.kp(*EDIT, "second")
    assert made.json("undo")["left"] == 1


def test_an_undone_target_takes_its_path_along(made: Cluster, tmp_path: Path):
    before = (made.site / "kp.toml").read_text()
    root = tmp_path / "root"
    root.mkdir()
    made.kp(*EDIT, "first")
    new = ("target", "add", "t", "--kind", "tftp", "--loader", "grub")
    made.kp(*new, "--root", str(root))
    assert str(root) in (made.site / "kp.toml").read_text()
    made.kp("undo")
    assert (made.site / "kp.toml").read_text() == before
    assert made.json("status")["draft"]["edits"] == 1


def test_an_edit_that_another_main_moved_past_is_taken_back(made: Cluster):
    """Undo needs no main to agree with: it is a way out of a conflict."""
    made.kp(*EDIT, "first")
    made.kp("node", "set", "n01", "--var", "rack=r9")
    made.kp("node", "set", "n01", "--var", "rack=r8", "-m", "bob's", user="bob")
    made.kp("commit", "-m", "x", expected=3)
    made.kp("undo")
    made.kp("commit", "-m", "the rest")
    assert made.json("node", "show", "n01")["vars"]["rack"] == "r8"
