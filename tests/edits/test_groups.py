"""Edits of groups: one that another names stays."""

import pytest

from kpstore.edits import groups, nodes
from kpstore.errors import KpError, NotFound, Refused
from support.states import put_group, state_of


@pytest.mark.parametrize(
    "text", ["@rack1", "n001,@rack1", "@rack[1-3]!n002", "n9&@rack1"]
)
def test_a_group_that_another_names_stays(text: str) -> None:
    state = state_of()
    put_group(state, "rack1", nodes="n001")
    put_group(state, "all", nodes=text)
    with pytest.raises(Refused, match="group all names @rack1") as caught:
        groups.remove(state, "rack1")
    assert "kp group set all" in caught.value.hint


@pytest.mark.parametrize("text", ["@rack10", "@rack1-x", "rack1", "n[1-2", "@x:y"])
def test_a_group_that_no_other_names_goes(text: str) -> None:
    state = state_of()
    for name in ("rack1", "rack10", "rack1-x"):
        put_group(state, name, nodes="n001")
    put_group(state, "all", nodes=text)
    groups.remove(state, "rack1")
    assert "rack1" not in state.names("group")


@pytest.mark.parametrize(
    ("before", "add", "drop", "after"),
    [
        ("n[1-3]", "n5", "", "n[1-3,5]"),
        ("n[1-3]", "", "n2", "n[1,3]"),
        ("n[1-3]", "n[2-4]", "n1", "n[2-4]"),
        ("n[1-3]", "n4", "n4", "n[1-3]"),
        ("n1", "", "n1", ""),
        ("", "n1", "", "n1"),
        ("", "", "n1", ""),
        ("n1", "", "n9", "n1"),
        ("@rack1", "n5", "n6", "@rack1,n5!n6"),
        ("n1", "@rack1", "", "n1,@rack1"),
    ],
)
def test_nodes_come_to_a_group_and_leave_it(
    before: str, add: str, drop: str, after: str
) -> None:
    state = state_of()
    put_group(state, "rack1", nodes="n[6-7]")
    put_group(state, "all", nodes=before)
    groups.regroup(state, "all", add, drop)
    assert state.group("all").nodes == after


@pytest.mark.parametrize("text", ["@nosuch", "n[1-", "n[1-999999999]"])
def test_a_set_that_names_nothing_changes_no_group(text: str) -> None:
    state = state_of()
    put_group(state, "all", nodes="n1")
    for more in ({"add": text}, {"drop": text}):
        with pytest.raises(KpError):
            groups.regroup(state, "all", **more)
    assert state.group("all").nodes == "n1"


def test_a_node_of_another_name_is_in_the_same_groups() -> None:
    state = state_of()
    sets = {
        "low": "n[1-3]",
        "other": "n[8-9]",
        "upper": "@low,n8",
        "both": "@other,n1",
        "without": "@low!n1",
        "most": "@without,n4",
    }
    for name, text in sets.items():
        put_group(state, name, nodes=text)
    before = groups.of_node(state, "n1")
    assert before == ["both", "low", "upper"]
    groups.rename(state, "n1", "login1")
    assert groups.of_node(state, "login1") == before
    assert groups.of_node(state, "n1") == []
    assert state.group("low").nodes == "login1,n[2-3]"
    assert state.group("upper").nodes == "@low,n8"
    assert state.group("both").nodes == "@other,login1"


def test_nodes_that_are_gone_are_in_no_set() -> None:
    state = state_of(nodes=5)
    sets = {
        "low": "n[001-003]",
        "other": "@low,n[001-002]!n004",
        "lone": "n002",
        "out": "@low!n002",
    }
    for name, text in sets.items():
        put_group(state, name, nodes=text)
    nodes.remove(state, ["n002", "n004"])
    left = {name: state.group(name).nodes for name in sets}
    assert left == {
        "low": "n[001,003]",
        "other": "@low,n001",
        "lone": "",
        "out": "@low",
    }


def test_a_node_that_the_site_lacks_is_no_slip_of_the_pen() -> None:
    state = state_of()
    put_group(state, "known", nodes="n001,n[008-009]")
    with pytest.raises(NotFound, match=r"known: no node n\[008-009\] here") as error:
        groups.refuse_strangers(state, "known")
    assert "--future" in error.value.hint
    groups.refuse_strangers(state, "known", before="n[001-002,008-009]")
    put_group(state, "upper", nodes="@known,n002")
    groups.refuse_strangers(state, "upper")
