"""Moves: who is touched by an edit, counted by template where nobody moved."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.model.boot import resolve
from kpstore.model.census import FullCensus
from kpstore.model.documents import BootConfig, Image, NextBoot, Site
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, template_of
from support.states import (
    command_line,
    kernel,
    node,
    put_group,
    put_node,
    settled,
    state_of,
)


def moves_of(old: State, new: State) -> Moves:
    return Moves(old, new, FullCensus(old))


def test_a_new_default_touches_every_node_and_moves_none() -> None:
    old = settled(state_of())
    new = settled(old)
    new.put(Key("entry", "next", "web"), BootConfig(kernel="6.1"))
    image = Image(**{**dict(new.image("web")), "default": "next"})
    new.put(Key("image", "web"), image)
    moves = moves_of(old, new)
    assert moves.nodes == {}
    assert moves.count == 3
    assert moves.names() == ["n001", "n002", "n003"]


def test_tagging_nodes_with_a_group_without_parameters_touches_nobody() -> None:
    old = settled(state_of())
    new = settled(old)
    put_group(new, "rack", nodes="n[001-003]")
    moves = moves_of(old, new)
    assert (moves.nodes, moves.count) == ({}, 0)


def test_a_rule_of_the_site_moves_nobody_and_counts_whose_line_it_changes() -> None:
    """A node's own and its next boot's lie unmerged in its template."""
    base = state_of()
    override = NextBoot(entry="production", params=("x=2",))
    put_node(base, node(1, params=("x=1",), next=override))
    old = settled(base)
    new = settled(old)
    rules = {**dict(new.site()), "repeatable": ("x",)}
    new.put(Key("site"), Site.model_validate(rules))
    moves = moves_of(old, new)
    assert (list(moves.nodes), moves.count) == ([], 1)
    assert moves.names() == ["n001"]
    template = FullCensus(new).template_of("n001")
    assert template == FullCensus(old).template_of("n001")
    assert template
    assert (template.params, template.next_params) == (("x=1",), ("x=2",))


def test_what_dangles_is_what_the_policy_boots() -> None:
    base = state_of()
    put_node(base, node(1, image="gone"))
    put_group(base, "rack", nodes="n002,@gone", params=("x=1",))
    old = settled(base)
    moves = moves_of(old, settled(old))
    templates = {n: moves.census.template_of(n) for n in ("n001", "n002")}
    assert templates["n001"] == Template("gone")
    assert moves.new_boot(templates["n001"]) is None
    assert templates["n002"] == Template("web")


def test_a_group_that_gets_parameters_moves_its_members() -> None:
    base = state_of()
    put_group(base, "rack", nodes="n[001-002]")
    old = settled(base)
    new = settled(old)
    put_group(new, "rack", nodes="n[001-002]", params=("x=1",))
    moves = moves_of(old, new)
    assert sorted(moves.nodes) == ["n001", "n002"]
    assert moves.count == 2


def test_a_change_that_resolves_to_the_same_boot_touches_nobody() -> None:
    old = settled(state_of())
    new = settled(old)
    put_node(new, node(1, params=("quiet",)))
    moves = moves_of(old, new)
    assert list(moves.nodes) == ["n001"]
    assert moves.count == 0


EDITS = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["drop", "plain", "other", "next", "params", "rack", "kernel"]),
    ),
    max_size=6,
)


def apply(state: State, edits: list[tuple[int, str]]) -> None:
    for number, what in edits:
        if what == "drop" and state.get(Key("node", f"n{number:03}")):
            state.drop(Key("node", f"n{number:03}"))
        elif what == "rack":
            put_group(
                state, "rack", nodes=f"n[001-00{number}]", params=(f"x={number}",)
            )
        elif what == "kernel":
            entry = BootConfig(kernel="6.1", params=(f"k={number}", "id={node.index}"))
            state.put(Key("entry", "production", "web"), entry)
        elif what != "drop":
            fields: dict[str, object] = {
                "plain": {},
                "other": {"image": "gpu"},
                "next": {"next": NextBoot(entry="web/production")},
                "params": {"params": (f"p={number}",)},
            }[what]
            put_node(state, node(number, **{"image": "web", **fields}))  # type: ignore[arg-type]  # fields


def boots(state: State) -> dict[str, object]:
    """What each node boots, the slow and obvious way."""
    membership = Membership(state.groups())
    found: dict[str, object] = {}
    for each in state.nodes():
        groups = membership.of(each.name)
        boot = resolve(state, template_of(each, groups))
        found[each.name] = boot and (
            boot.image,
            boot.entry,
            boot.method,
            boot.payload.id,
            command_line(boot, each),
            each.macs,
        )
    return found


@settings(max_examples=60, deadline=None)
@given(EDITS, EDITS)
def test_moves_agree_with_resolving_every_node(
    first: list[tuple[int, str]], second: list[tuple[int, str]]
) -> None:
    base = state_of()
    base.put(Key("kernel", "5.4", "gpu"), kernel("5.4"))
    base.put(Key("entry", "run", "gpu"), BootConfig(kernel="5.4"))
    base.put(Key("image", "gpu"), Image(arch="x86_64", default="run"))
    apply(base, first)
    old = settled(base)
    new = settled(old)
    apply(new, second)
    moves = moves_of(old, new)
    before, after = boots(old), boots(new)
    differ = [
        name
        for name in sorted(before.keys() | after.keys())
        if before.get(name, "absent") != after.get(name, "absent")
    ]
    assert moves.names() == differ
    assert moves.count == len(differ)
    assert dict(moves.templates) == dict(FullCensus(new).templates())
