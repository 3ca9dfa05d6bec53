"""Templates: what a name depends on, and that it stays what it was."""

import hashlib

from kpstore.model.documents import Group, NextBoot
from kpstore.model.templates import Membership, Template, template_of
from support.states import node


def test_a_name_is_that_of_before_where_nothing_late_is_said() -> None:
    key = b'["rescue", ["rack"], ["a=1"]]'
    name = f"web~{hashlib.sha256(key).hexdigest()[:12]}"
    assert Template("web", "rescue", ("rack",), ("a=1",)).name == name


def test_all_that_shapes_a_boot_shapes_the_name() -> None:
    plain = Template("web", "rescue", ("rack",), ("a=1",))
    late = ("without", "next_params", "next_without")
    shaped = [plain._replace(**{name: ("b",)}) for name in late]
    assert len({plain.name, *(each.name for each in shaped)}) == len(late) + 1


def test_a_node_and_its_next_boot_lie_unmerged() -> None:
    override = NextBoot(entry="rescue", params=("a=2",), without=("b",))
    found = template_of(node(1, params=("a=1",), without=("c",), next=override), ())
    assert found == Template("web", "rescue", (), ("a=1",), ("c",), ("a=2",), ("b",))
    assert [layer.origin for layer in found.own] == ["node", "next boot"]


def test_a_group_that_only_takes_away_shapes_its_nodes() -> None:
    groups = {
        "a": Group(nodes="n001", without=("quiet",)),
        "b": Group(nodes="n001"),
    }
    assert Membership(groups).of("n001") == ("a",)
