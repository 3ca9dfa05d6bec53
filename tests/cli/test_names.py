"""Nodes that come to groups and leave them, and nodes of another name."""

from pathlib import Path

import pytest

from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def test_nodes_come_and_go(made: Cluster) -> None:
    words = "group set rack1 --add-nodes n[21-22] --remove-nodes n01 -m moved"
    assert made.json(*words.split())["revision"]
    assert made.json("group", "show", "rack1")["nodes"] == "n[02-22]"
    assert made.json("node", "show", "n21")["groups"] == ["rack1", "rack2"]
    assert made.json("node", "show", "n01")["groups"] == []
    refused = made.kp("group", "set", "rack1", "--add-nodes", "@rack9", expected=1)
    assert "rack9" in refused.err


def test_a_node_keeps_what_it_boots_under_another_name(made: Cluster) -> None:
    before = made.json("why", "n01")
    made.kp("node", "rename", "n01", "login1", "-m", "what it is now")
    after = made.json("why", "login1")
    assert after["entry"] == before["entry"]
    assert after["groups"] == before["groups"]
    assert made.json("group", "show", "rack1")["nodes"] == "login1,n[02-20]"
    made.kp("why", "n01", expected=1)
    made.kp("verify")
    assert made.json("log", "--node", "n01")  # history knows it


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("n77", "n78", "no node 'n77' here"),
        ("n01", "n02", "node n02 exists"),
        ("n01", "N1", "is not a node name"),
        ("n01", "n01", "node n01 exists"),
    ],
)
def test_a_name_that_can_not_be_given(
    made: Cluster, old: str, new: str, said: str
) -> None:
    refused = made.kp("node", "rename", old, new, expected=1)
    assert said in refused.err
    assert "hint: " in refused.err
