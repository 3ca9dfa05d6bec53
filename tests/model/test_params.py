"""Merging parameters: later wins by key, in its old place; repeatable ones add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.model.params import (
    Layer,
    check_layer,
    check_tie,
    compose,
    key_of,
    merge,
    split,
)

TOKENS = st.from_regex(r"\A[a-d][_-]?(=[0-9]( [a-z])?)?\Z")
LAYERS = st.lists(st.builds(Layer, st.sampled_from("xyz"), st.lists(TOKENS).map(tuple)))


def tokens(*layers: tuple[str, ...], repeatable: tuple[str, ...] = ()) -> list[str]:
    named = [Layer(str(at), params) for at, params in enumerate(layers)]
    return [merged.token for merged in merge(named, repeatable)]


def test_a_later_layer_wins_where_the_key_stood() -> None:
    assert tokens(("root=a", "quiet"), ("root=b", "panic=5")) == [
        "root=b",
        "quiet",
        "panic=5",
    ]


def test_dash_and_underscore_are_one_key() -> None:
    assert tokens(("init-x=1",), ("init_x=2",)) == ["init_x=2"]


def test_repeatable_parameters_add_up_once_each() -> None:
    both = ("console=tty0", "console=ttyS0")
    assert tokens(both, ("console=tty0", "console=ttyS1"), repeatable=("console",)) == [
        *both,
        "console=ttyS1",
    ]


def test_each_parameter_knows_who_said_it() -> None:
    merged = merge([Layer("image web", ("a=1", "b")), Layer("node n1", ("a=2",))], ())
    assert [tuple(each) for each in merged] == [("a=2", "node n1"), ("b", "image web")]


@given(LAYERS)
def test_a_merge_has_each_key_once_and_the_last_word(layers: list[Layer]) -> None:
    merged = merge(layers, ())
    keys = [key_of(each.token) for each in merged]
    assert len(keys) == len(set(keys))
    last = {key_of(t): t for layer in layers for t in layer.params}
    assert {key_of(each.token): each.token for each in merged} == last


@given(LAYERS)
def test_merging_the_result_again_changes_nothing(layers: list[Layer]) -> None:
    once = tuple(each.token for each in merge(layers, ("a",)))
    assert tokens(once, repeatable=("a",)) == list(once)


@given(st.lists(TOKENS))
def test_a_composed_line_splits_into_its_tokens(line: list[str]) -> None:
    assert split(compose(line)) == tuple(line)


def test_what_people_type_is_split_as_the_kernel_does() -> None:
    assert split('a  "b c" d="e f"\tg') == ("a", "b c", "d=e f", "g")
    assert split("") == ()


def test_an_unbalanced_quote_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unbalanced"):
        split('a "b')


def test_one_layer_sets_a_key_once() -> None:
    check_layer(Layer("image web", ("console=a", "console=b")), ("console",))
    with pytest.raises(
        InvalidInput, match="image web: parameter 'root' is given twice"
    ):
        check_layer(Layer("image web", ("root=a", "root=b")), ())


def test_a_tie_between_groups_is_refused_unless_they_agree() -> None:
    rack, gpu = Layer("group rack", ("x=1",)), Layer("group gpu", ("x=2",))
    check_tie(rack, rack, ())
    check_tie(rack, gpu, ("x",))
    with pytest.raises(InvalidInput, match="same priority"):
        check_tie(rack, gpu, ())
