"""Drafts kept by names: one piece of work aside while another goes out."""

from pathlib import Path

import pytest

from kpstore.history.git.create import RECORDS
from support.cli import Cluster, copy, template
from support.histories import git

EDIT = ("entry", "set", "web", "production", "--add-param")
REF = "refs/kp/saved/ann/new-disks"


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def repository(made: Cluster) -> Path:
    return made.site / "state.git"


def saved(made: Cluster) -> None:
    made.kp(*EDIT, "first")
    made.kp(*EDIT, "second")
    made.kp("draft", "save", "new-disks")


def test_work_is_set_aside_and_gone_on_with(made: Cluster):
    saved(made)
    shown = made.kp("diff").out
    made.kp("discard")
    assert made.kp("diff").out == ""
    made.kp("node", "set", "n01", "--var", "rack=r9")
    made.kp("commit", "-m", "something else first")
    made.kp(*EDIT, "third", "-m", "and that", user="bob")
    loaded = made.kp("draft", "load", "new-disks")
    assert loaded.out == "your draft is new-disks again\n"
    assert "not live" in loaded.err
    made.kp("diff", expected=3)  # bob set the same field
    made.kp("undo")
    made.kp("draft", "load", "new-disks")  # went on from it: nothing is lost
    made.kp("resolve", "entry/web/production/params", "--mine")
    assert made.kp("diff").out.startswith("entry web/production\n")
    assert shown
    made.kp("commit", "-m", "the disks")
    assert made.json("draft", "list")[0]["name"] == "new-disks"
    made.kp("draft", "rm", "new-disks")
    assert made.json("draft", "list") == []


def test_list_and_show(made: Cluster):
    saved(made)
    made.kp(*EDIT, "bobs", user="bob")
    found = made.json("draft", "list")
    assert [(e["user"], e["name"], e["edits"], e["problem"]) for e in found] == [
        ("ann", None, 2, ""),
        ("bob", None, 1, ""),
        ("ann", "new-disks", 2, ""),
    ]
    assert "new-disks" in made.kp("draft", "list").out
    shown = made.json("draft", "show", "bob")
    assert [each["argv"][-1] for each in shown["edits"]] == ["bobs"]
    (change,) = shown["changes"]
    assert (change["document"], change["field"]) == ("entry web/production", "params")
    mine = made.kp("draft", "show", "ann", "new-disks").out
    assert mine.index("--add-param second") < mine.index("--add-param first")
    assert made.json("draft", "show")["name"] is None
    refused = made.kp("draft", "show", "ann", "new-disk", expected=1)
    assert "did you mean 'new-disks'?" in refused.err
    made.kp("draft", "show", "carol", expected=1)


def test_nothing_unsaved_is_lost(made: Cluster):
    saved(made)
    made.kp(*EDIT, "third")
    refused = made.kp("draft", "load", "new-disks", expected=1)
    assert "edits that are saved nowhere" in refused.err
    made.kp("draft", "save", "new-disks")  # it went on from there
    made.kp("discard")
    made.kp(*EDIT, "fourth")
    refused = made.kp("draft", "save", "new-disks", expected=1)
    assert "another draft of yours is saved as new-disks" in refused.err
    made.kp("draft", "load", "new-disks", expected=1)
    made.kp("draft", "load", "new-disks", "--replace")
    assert len(made.json("draft", "show")["edits"]) == 3
    made.kp("discard")
    made.kp("draft", "save", "empty", expected=1)
    for name in ("a b", "../x", "", "-x"):
        made.kp("draft", "save", "--", name, expected=1)
    made.kp("draft", "load", "nothing", expected=1)
    made.kp("draft", "rm", "nothing", expected=1)


def test_a_drafted_target_keeps_its_path_while_it_is_saved(
    made: Cluster, tmp_path: Path
):
    root = tmp_path / "root"
    root.mkdir()
    new = ("target", "add", "t", "--kind", "tftp", "--loader", "grub")
    made.kp(*new, "--root", str(root))
    made.kp("draft", "save", "new-disks")
    made.kp("discard")
    assert str(root) in (made.site / "kp.toml").read_text()
    made.kp("draft", "rm", "new-disks")
    assert str(root) not in (made.site / "kp.toml").read_text()


def test_only_what_its_user_wrote_is_loaded(made: Cluster):
    made.kp(*EDIT, "bobs", user="bob")
    git(repository(made), "update-ref", REF, "refs/kp/drafts/bob")
    refused = made.kp("draft", "load", "new-disks", expected=1)
    assert "was not written by ann: bob did" in refused.err
    assert "kp draft rm new-disks" in refused.err
    (_, stray) = made.json("draft", "list")
    assert "bob did" in stray["problem"]
    made.kp("draft", "rm", "new-disks")


def test_a_saved_draft_can_not_be_pushed(made: Cluster):
    git(made.where, "clone", "-q", str(repository(made)), "work")
    with pytest.raises(AssertionError, match="push to refs/kp/drafts/ann"):
        git(made.where / "work", "push", "-q", "origin", f"HEAD:{REF}", KP_PUSHER="ann")


@pytest.mark.parametrize("damage", ["rubbish", "gone", "a folder", "unrecorded"])
def test_a_damaged_one_is_told_and_stops_nobody(made: Cluster, damage: str):
    saved(made)
    made.kp(*EDIT, "third")
    file = repository(made) / REF
    if damage == "rubbish":
        file.write_text("rubbish\n")
    elif damage == "gone":
        file.write_text(f"{'a' * 40}\n")
    elif damage == "a folder":
        file.unlink()
        (file / "x").mkdir(parents=True)
    else:
        for record in (repository(made) / RECORDS).iterdir():
            record.unlink()
        made.kp("discard")
        made.kp(*EDIT, "third")
    for verb in ("status", "draft list", "diff", "gc"):
        made.kp(*verb.split())
    found = made.kp("doctor")
    assert "new-disks" in found.out
    made.kp("draft", "load", "new-disks", "--replace", expected=1)
    made.kp("commit", "-m", "mine, all the same")
    made.kp("draft", "rm", "new-disks")
    assert made.json("draft", "list") == []


def test_packed_by_git_it_is_the_same(made: Cluster):
    saved(made)
    made.kp("discard")
    git(repository(made), "pack-refs", "--all")
    assert [e["name"] for e in made.json("draft", "list")] == ["new-disks"]
    made.kp("draft", "load", "new-disks")
    made.kp("draft", "rm", "new-disks")
    assert [e["name"] for e in made.json("draft", "list")] == [None]


def test_many_edits_later_it_is_still_its_user_s(made: Cluster):
    """Older records of who wrote what are removed, never that of a saved draft."""
    saved(made)
    made.kp("discard")
    for number in range(20):
        made.kp("node", "set", "n01", "--var", f"rack=r{number}")
    made.kp("draft", "load", "new-disks", "--replace")
