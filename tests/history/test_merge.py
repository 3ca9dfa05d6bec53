from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import Conflict
from kpstore.history.merge import merge, three_way
from kpstore.model.documents import BootConfig, Document, Node
from kpstore.model.keys import Key
from kpstore.model.state import Changes, Empty, State
from support.histories import image, kernel

NODES = st.builds(
    Node,
    name=st.just("n1"),
    image=st.sampled_from([None, "web", "db"]),
    index=st.sampled_from([None, 1, 2]),
    vars=st.dictionaries(st.sampled_from("ab"), st.sampled_from("xyz")),
    params=st.sampled_from([(), ("quiet",), ("quiet", "nosmp")]),
)
KEYS = [Key("node", "n1"), Key("node", "n2")]
STATES = st.dictionaries(st.sampled_from(KEYS), NODES)


def between(old: dict[Key, Node], new: dict[Key, Node]) -> Changes:
    keys = old.keys() | new.keys()
    return {key: new.get(key) for key in keys if old.get(key) != new.get(key)}


def state(documents: Any) -> State:
    return State(Empty(), documents)


@given(base=STATES, main=STATES)
def test_without_a_draft_main_stays(base: Any, main: Any) -> None:
    assert merge(state(base), state(main), {}) == {}


@given(base=STATES, both=STATES)
def test_identical_edits_merge_silently(base: Any, both: Any) -> None:
    assert merge(state(base), state(both), between(base, both)) == {}


@given(base=STATES, draft=STATES)
def test_an_unmoved_main_takes_the_draft_as_it_is(base: Any, draft: Any) -> None:
    changes = between(base, draft)
    assert merge(state(base), state(base), changes) == changes


@given(base=STATES, one=STATES, other=STATES)
def test_it_does_not_matter_who_came_first(base: Any, one: Any, other: Any) -> None:
    ours = three_way(state(base), state(one), between(base, other))
    theirs = three_way(state(base), state(other), between(base, one))
    assert {(c.key, c.field): (c.main, c.draft) for c in ours.clashes} == {
        (c.key, c.field): (c.draft, c.main) for c in theirs.clashes
    }
    if not ours.clashes:
        first = State(state(one), ours.changes)
        second = State(state(other), theirs.changes)
        assert [first.get(key) for key in KEYS] == [second.get(key) for key in KEYS]


@given(base=STATES, one=STATES, other=STATES)
def test_nothing_that_one_side_changed_is_lost(base: Any, one: Any, other: Any) -> None:
    merged = three_way(state(base), state(one), between(base, other))
    result = State(state(one), merged.changes)
    clashed = {clash.key for clash in merged.clashes}
    for key in KEYS:
        if key in clashed:
            continue
        was, here, there, now = (
            base.get(key),
            one.get(key),
            other.get(key),
            result.get(key),
        )
        if was == here:
            assert now == there
        elif was == there:
            assert now == here
        else:
            for field in ("image", "index", "params"):
                values = [
                    getattr(side, field) for side in (was, here, there, now) if side
                ]
                if len(values) == 4:
                    expected = values[2] if values[0] == values[1] else values[1]
                    assert values[3] == expected


KEY = Key("entry", "production", "web")


def test_disjoint_fields_merge() -> None:
    base: dict[Key, Document] = {KEY: BootConfig(kernel="k1")}
    main: dict[Key, Document] = {KEY: BootConfig(kernel="k2")}
    draft = {KEY: BootConfig(kernel="k1", params=("quiet",))}
    assert merge(state(base), state(main), draft) == {
        KEY: BootConfig(kernel="k2", params=("quiet",))
    }


def test_variables_merge_key_by_key() -> None:
    key = Key("node", "n1")
    base = {key: Node(name="n1", vars={"a": "1", "b": "1", "c": "1"})}
    main = {key: Node(name="n1", vars={"a": "2", "b": "1", "c": "1", "m": "1"})}
    draft = {key: Node(name="n1", vars={"a": "1", "b": "2", "d": "1"})}
    merged = merge(state(base), state(main), draft)
    assert merged == {
        key: Node(name="n1", vars={"a": "2", "b": "2", "d": "1", "m": "1"})
    }


def test_a_conflict_names_document_field_and_both_sides() -> None:
    base = image() | {Key("node", "n1"): Node(name="n1", vars={"a": "1"})}
    main = base | {
        KEY: BootConfig(kernel="k2", params=("a",)),
        Key("node", "n1"): Node(name="n1", vars={"a": "2"}),
        Key("kernel", "k1", "web"): kernel("6.2.0"),
    }
    draft: dict[Key, Document | None] = {
        KEY: BootConfig(kernel="k3", params=("b", "c")),
        Key("node", "n1"): Node(name="n1"),
        Key("kernel", "k1", "web"): None,
    }
    with pytest.raises(Conflict) as caught:
        merge(state(base), state(main), draft)
    assert caught.value.message.splitlines() == [
        "entry web/production: kernel is k2 on main, k3 in the draft",
        "entry web/production: params is a on main, b c in the draft",
        "node n1: vars.a is 2 on main, unset in the draft",
        "kernel web/k1 is changed on main, removed in the draft",
    ]
