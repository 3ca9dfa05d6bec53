"""Edits of nodes: next boots that can't come true are refused."""

import pytest

from kpstore.edits import nodes
from kpstore.errors import Refused
from kpstore.model.documents import BootConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from support.states import node, put_node, state_of


@pytest.fixture
def state() -> State:
    """Disks boot web/production; web/spare is on them, too."""
    state = state_of()
    for name, method in (("production", "local"), ("spare", "local")):
        entry = BootConfig.model_validate({"kernel": "6.1", "method": method})
        state.put(Key("entry", name, "web"), entry)
    return state


def test_a_disk_boots_its_default_and_no_other_entry(state: State) -> None:
    with pytest.raises(Refused, match="n001 boots web/production") as caught:
        nodes.set_next(state, ["n001"], "spare")
    assert "kp entry set web spare --method mixed" in (caught.value.hint or "")
    nodes.set_next(state, ["n001"], "production")


def test_a_disk_holds_one_image(state: State) -> None:
    put_node(state, node(9, None))
    with pytest.raises(Refused, match="the disk of n009 holds no image"):
        nodes.set_next(state, ["n009"], "web/production")


def test_parameters_of_one_node_reach_no_disk(state: State) -> None:
    with pytest.raises(Refused, match="parameters for n001 alone"):
        nodes.set_next(state, ["n001"], "production", ("debug",))


def test_an_import_leaves_what_a_node_says_of_parameters(state: State) -> None:
    nodes.change(state, ["n001"], {"params": ("x",), "without": ("y",)})
    nodes.put_all(state, [node(1, image="web")])
    assert (state.node("n001").params, state.node("n001").without) == (("x",), ("y",))
