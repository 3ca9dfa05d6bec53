"""Paths of this server in kp.toml follow what there is: main, and drafts."""

from pathlib import Path

import pytest

from kpstore.site.settings import load
from support.cli import Cluster, copy, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    (made.where / "tftp2").mkdir()
    return made


def roots(made: Cluster) -> set[str]:
    return set(load(made.site / "kp.toml").roots)


def trees(made: Cluster) -> set[str]:
    return set(load(made.site / "kp.toml").trees)


def add(made: Cluster, *more: str, user: str = "ann") -> None:
    root = str(made.where / "tftp2")
    words = "target add boot2 --kind tftp --loader grub --root"
    made.kp(*words.split(), root, *more, user=user)


def leftovers(made: Cluster) -> list[str]:
    found = made.kp("doctor", "--tftp", "127.0.0.1:1", "--json").json
    return [each["text"] for each in found if "is of no" in each["text"]]


def test_a_drafted_target_has_its_path_until_it_is_discarded(made: Cluster):
    before = (made.site / "kp.toml").read_bytes()
    add(made)
    assert roots(made) == {"boot1", "boot2"}
    assert leftovers(made) == []
    made.kp("discard")
    assert (made.site / "kp.toml").read_bytes() == before
    assert list((made.where / "tftp2").iterdir()) == []


def test_a_drafted_target_that_is_taken_out_again(made: Cluster):
    add(made)
    made.kp("target", "rm", "boot2")
    assert roots(made) == {"boot1"}


def test_what_two_drafts_add_stays_for_the_other(made: Cluster):
    add(made)
    add(made, user="bob")
    made.kp("discard")
    assert roots(made) == {"boot1", "boot2"}
    made.kp("commit", "-m", "x", user="bob")
    assert roots(made) == {"boot1", "boot2"}
    assert made.json("verify")[1]["condition"] == "live"


def test_a_drafted_removal_has_its_path_until_it_is_committed(made: Cluster):
    made.kp("image", "set", "db", "--params", "a=1", user="bob")  # holds boot1 as it is
    made.kp("target", "rm", "boot1")
    assert roots(made) == {"boot1"}
    made.kp("discard")
    assert roots(made) == {"boot1"}
    made.kp("target", "rm", "boot1")
    made.kp("commit", "-m", "retired")
    assert roots(made) == set()
    assert leftovers(made) == []


def test_a_removal_at_once_and_one_by_revert(made: Cluster):
    add(made, "-m", "one more")
    made.kp("revert", "HEAD", "-m", "too many")
    assert roots(made) == {"boot1"}
    made.kp("target", "rm", "boot1", "-m", "none")
    assert roots(made) == set()


def test_an_image_takes_its_tree_along(made: Cluster):
    tree = made.where / "images/edge"
    made.kp("target", "rm", "edge-tree", "-m", "x")
    assert trees(made) == {"db", "edge", "web"}  # its kernels are still taken from it
    made.kp("node", "rm", "n[33-40]", "-m", "sold")
    made.kp("image", "rm", "edge", "-m", "retired")
    assert trees(made) == {"db", "web"}
    made.kp("image", "add", "new", "--tree", str(tree))
    made.kp("discard")
    assert trees(made) == {"db", "web"}


def test_what_a_person_wrote_beforehand_stays_and_is_named(made: Cluster):
    settings = made.site / "kp.toml"
    text = settings.read_text().replace("[roots]", f'[roots]\nnext = "{made.where}"')
    settings.write_text(text)
    add(made)
    made.kp("discard")
    assert roots(made) == {"boot1", "next"}
    assert leftovers(made) == ["kp.toml: roots.next is of no target that there is"]


def test_a_tree_is_not_moved_by_the_way(made: Cluster):
    made.kp("target", "rm", "web-tree", "-m", "x")
    other = str(made.where / "tftp2")
    words = "target add other --kind image --image web --loader grub --root"
    refused = run(made.site, *words.split(), other)
    assert refused.status == 1
    assert f"the tree of image web is {made.tree('web')}" in refused.err
    assert load(made.site / "kp.toml").trees["web"] == made.tree("web")
