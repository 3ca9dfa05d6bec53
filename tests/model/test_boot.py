"""Resolving: which layers reach a node by which method."""

import pytest

from kpstore.model.boot import resolve
from kpstore.model.documents import BootConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.model.templates import Template
from support.states import put_group, state_of

RACKED = Template("web", "", ("rack",), ("x=node",))


def grouped(method: str) -> State:
    state = state_of()
    fields = {"kernel": "6.1", "method": method, "params": ("x=entry", "panic=10")}
    state.put(Key("entry", "production", "web"), BootConfig.model_validate(fields))
    put_group(state, "rack", nodes="n001", params=("id={node.index}", "panic=5"))
    return state


@pytest.mark.parametrize("method", ["network", "mixed"])
def test_groups_and_the_node_itself_come_last(method: str) -> None:
    boot = resolve(grouped(method), RACKED)
    assert boot is not None
    expected = ("root=/dev/sda1", "x=node", "panic=5", "id={node.index}")
    assert boot.params == expected


def test_a_disk_knows_neither_groups_nor_nodes() -> None:
    boot = resolve(grouped("local"), RACKED)
    assert boot is not None
    assert boot.params == ("root=/dev/sda1", "x=entry", "panic=10")
    assert boot.variables == ()
