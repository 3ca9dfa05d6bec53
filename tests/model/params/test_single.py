"""Table 1: later wins by key, in its old place; repeatable ones add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.model.params.layers import Layer, Replaced
from kpstore.model.params.rules import Rules
from kpstore.model.params.single import key_of

TOKENS = st.from_regex(r"\A[a-d][_-]?(=[0-9]( [a-z])?)?\Z")
LAYERS = st.lists(st.builds(Layer, st.sampled_from("xyz"), st.lists(TOKENS).map(tuple)))


def tokens(*layers: tuple[str, ...], repeatable: tuple[str, ...] = ()) -> list[str]:
    named = [Layer(str(at), params) for at, params in enumerate(layers)]
    return list(Rules(1, repeatable).merge(named).tokens)


def test_a_later_layer_wins_where_the_key_stood() -> None:
    assert tokens(("root=a", "quiet"), ("root=b", "panic=5")) == [
        "root=b",
        "quiet",
        "panic=5",
    ]


def test_dash_and_underscore_are_one_key() -> None:
    assert tokens(("init-x=1",), ("init_x=2",)) == ["init_x=2"]
    assert tokens(("rd.x-y=1",), ("rd.x_y=2",)) == ["rd.x_y=2"]


def test_repeatable_parameters_add_up_once_each() -> None:
    both = ("console=tty0", "console=ttyS0")
    assert tokens(both, ("console=tty0", "console=ttyS1"), repeatable=("console",)) == [
        *both,
        "console=ttyS1",
    ]


def test_each_parameter_knows_who_said_it_and_who_gave_way() -> None:
    layers = [Layer("image web", ("a=1", "b")), Layer("node n1", ("a=2", "b"))]
    line = Rules(1).merge(layers)
    assert [tuple(e) for e in line.merged] == [("a=2", "node n1"), ("b", "node n1")]
    assert line.replaced == (Replaced("a=1", "image web", "node n1", ("a=2",)),)


@given(LAYERS)
def test_a_merge_has_each_key_once_and_the_last_word(layers: list[Layer]) -> None:
    merged = Rules(1).merge(layers).merged
    keys = [key_of(each.token) for each in merged]
    assert len(keys) == len(set(keys))
    last = {key_of(t): t for layer in layers for t in layer.params}
    assert {key_of(each.token): each.token for each in merged} == last


@given(LAYERS)
def test_merging_the_result_again_changes_nothing(layers: list[Layer]) -> None:
    once = Rules(1, ("a",)).merge(layers).tokens
    assert tokens(once, repeatable=("a",)) == list(once)


def test_one_layer_sets_a_key_once_and_takes_nothing_away() -> None:
    rules = Rules(1, ("console",))
    rules.check_layer(Layer("image web", ("console=a", "console=b")))
    with pytest.raises(
        InvalidInput, match="image web: parameter 'root' is given twice"
    ):
        rules.check_layer(Layer("image web", ("root=a", "root=b")))
    with pytest.raises(InvalidInput, match="'quiet' can't be taken away by table 1"):
        rules.check_layer(Layer("image web", (), ("quiet",)))


def test_a_tie_between_groups_is_refused_unless_they_agree() -> None:
    rack, gpu = Layer("group rack", ("x=1",)), Layer("group gpu", ("x=2",))
    Rules(1).check_tie(rack, rack)
    Rules(1, ("x",)).check_tie(rack, gpu)
    with pytest.raises(InvalidInput, match=r"same priority.* x=1 and x=2"):
        Rules(1).check_tie(rack, gpu)
