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


TABLE = """name,mac,ip,image,group
n91,02:00:00:00:91:01,10.9.0.1,db,rack2
n92,02:00:00:00:92:01,,,
other,02:00:00:00:93:01,,,
"""


def test_a_set_is_added_by_a_table_of_macs(made: Cluster, tmp_path: Path) -> None:
    (tmp_path / "macs.csv").write_text(TABLE, "utf-8")
    words = ("node", "add", "n[91-92]", "--table", str(tmp_path / "macs.csv"))
    words += ("--image", "web", "--group", "rack1", "-m", "new ones")
    said = made.kp(*words)
    assert "2 nodes: n[91-92]" in said.err
    assert "rows of other nodes are left alone: other" in said.err
    assert made.json("node", "show", "n91")["groups"] == ["rack1", "rack2"]
    assert made.json("node", "show", "n92")["groups"] == ["rack1"]
    added = made.json("node", "list", "n[91-92]")
    assert [each["image"] for each in added] == ["web", "web"]
    assert added[0]["ips"] == ["10.9.0.1"]
    made.kp("node", "show", "other", expected=1)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("n[91-94] --table TABLE", 1, "no rows for n[93-94] in the table"),
        ("n[91-93] --table TABLE", 1, "no row for n93 in the table"),
        ("n01 --table TABLE", 1, "no row for n01"),
        ("n[91-92] --table TABLE --group rock1", 1, "'rock1'"),
        ("n[91-92] --table TABLE --image wep", 1, "'wep'"),
        ("n[91-92] --table NONE", 1, "there is no file NONE"),
        ("n[91-92] --mac 02:00:00:00:91:01", 2, "n[91-92] are 2 nodes"),
        ("n91 --table TABLE --mac 02:00:00:00:91:01", 2, "--table FILE, without them"),
    ],
)
def test_a_table_that_does_not_fit(
    made: Cluster, tmp_path: Path, words: str, status: int, said: str
) -> None:
    (tmp_path / "macs.csv").write_text(TABLE, "utf-8")
    given = words.replace("TABLE", str(tmp_path / "macs.csv")).split()
    refused = made.kp("node", "add", *given, expected=status)
    assert said in refused.err
    assert "hint: " in refused.err


def listed(made: Cluster, *words: str) -> list[str]:
    return [each["name"] for each in made.json("node", "list", *words)]


def test_nodes_are_listed_by_what_they_boot(made: Cluster) -> None:
    web = listed(made, "--image", "web")
    payload = made.json("entry", "show", "web", "production")["payload"][:9]
    kernel = made.json("entry", "list", "web")[0]["kernel"]
    rescue = "entry add web rescue --like production --add-param single -m rescue"
    before = made.json(*rescue.split())["revision"]
    assert listed(made, "--entry", "web/production") == web
    assert set(web) <= set(listed(made, "--kernel", kernel))
    assert listed(made, "--boots-differently-since", before) == []

    made.kp("next", "n[01-02]", "--entry", "rescue")
    assert listed(made, "--entry", "rescue", "--image", "web") == ["n01", "n02"]
    assert listed(made, "n[02-05]", "--entry", "rescue") == ["n02"]
    assert listed(made, "--entry", "web/production") == web[2:]
    assert set(web[2:]) <= set(listed(made, "--payload", payload))
    assert not {"n01", "n02"} & set(listed(made, "--payload", payload))
    assert listed(made, "--boots-differently-since", before) == ["n01", "n02"]

    made.kp("group", "set", "rack2", "--add-param", "panic=7", "-m", "looked at")
    rack = made.json("group", "show", "rack2")["members"]
    expected = sorted({"n01", "n02", *rack})
    assert listed(made, "--boots-differently-since", before) == expected
    (made.site / "cache/index.db").unlink()  # the same answer by reading every node
    assert listed(made, "--boots-differently-since", before) == expected
    assert listed(made, "--entry", "rescue", "--image", "web") == ["n01", "n02"]

    made.kp("next", "n[01-02]", "--clear")
    assert listed(made, "--boots-differently-since", before) == rack


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--entry productoin", "did you mean 'production'?"),
        ("--entry web/nope", "no entry 'web/nope' here"),
        ("--kernel 9.9", "no kernel '9.9' here"),
        ("--payload zz", "no payload 'zz' here"),
        ("--boots-differently-since r99999", "r99999"),
        ("n77 --entry production", "'n77'"),
    ],
)
def test_what_no_node_can_boot_is_named(made: Cluster, words: str, said: str) -> None:
    refused = made.kp("node", "list", *words.split(), expected=1)
    assert said in refused.err
    assert "hint: " in refused.err
