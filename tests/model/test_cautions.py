"""Cautions: what is allowed and may not be meant, said in words."""

from kpstore.model.cautions import cautions
from kpstore.model.census import FullCensus
from kpstore.model.documents import BootConfig, NextBoot
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import State
from support.states import node, put_group, put_node, settled, state_of


def put_entry(state: State, name: str, method: str) -> None:
    entry = {"kernel": "6.1", "method": method, "params": ("panic=10",)}
    state.put(Key("entry", name, "web"), BootConfig.model_validate(entry))


def local_site() -> State:
    """Three nodes whose disks boot production; rescue comes over the network."""
    state = state_of()
    put_entry(state, "production", "local")
    put_entry(state, "rescue", "network")
    return state


def said(old: State, new: State) -> list[str]:
    return list(cautions(Moves(old, new, FullCensus(old))))


def test_parameters_that_no_disk_hears() -> None:
    old = settled(local_site())
    new = settled(old)
    put_group(new, "rack1", nodes="n[001-002]", params=("console=ttyS0",))
    put_node(new, node(3, params=("debug",)))
    assert said(old, new) == [
        "web/production boots from its nodes' own disks: parameters of group rack1 "
        "don't reach them (nodes: 2)",
        "web/production boots from its nodes' own disks: their own parameters "
        "don't reach them (nodes: 1)",
    ]
    assert said(settled(new), settled(settled(new))) == [], "said once, not for ever"


def test_a_next_boot_that_the_disk_does_not_know_of() -> None:
    state = local_site()
    put_node(state, node(1, next=NextBoot(entry="production")))
    put_entry(state, "spare", "local")
    old = settled(state)
    assert said(state, old) == []
    new = settled(old)
    image = old.image("web").model_copy(update={"default": "spare"})
    new.put(Key("image", "web"), image)
    assert said(old, new) == [
        "web/production is set as next boot, and the nodes' own disks boot web/spare "
        "(nodes: 1)"
    ]


def test_which_entry_disks_boot_when_the_default_is_on_the_network() -> None:
    old = settled(local_site())
    new = settled(old)
    put_entry(new, "alpha", "mixed")
    image = old.image("web").model_copy(update={"default": "rescue"})
    new.put(Key("image", "web"), image)
    assert said(old, new) == [
        "web/rescue, the default, comes over the network only: when no server "
        "answers, disks boot web/alpha"
    ]
