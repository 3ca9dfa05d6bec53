"""Edits of the site's settings: what is given is set, the rest stays."""

import pytest

from kpstore.edits import site
from kpstore.edits.site import Kinds
from kpstore.errors import InvalidInput, NotFound
from kpstore.model.documents import Retention, VariableRule
from kpstore.model.state import State
from support.states import state_of


def test_what_is_given_is_set_and_the_rest_stays() -> None:
    state = state_of()
    before = state.site()
    site.change(state, {"confirm_above": 7}, retention={"known_good": 9})
    wanted = {"confirm_above": 7, "retention": Retention(known_good=9)}
    assert state.site() == before.model_copy(update=wanted)


def test_a_rule_is_given_as_a_whole_and_goes_again() -> None:
    state = state_of()
    site.change(state, {}, variables={"slot": {"unique": True, "maximum": 48}})
    site.change(state, {}, variables={"slot": {"minimum": 1}, "rack": {}})
    site.change(state, {}, forget=["index"])
    assert state.site().variables == {
        "slot": VariableRule(minimum=1),
        "rack": VariableRule(),
    }
    with pytest.raises(NotFound, match="'slto'") as caught:
        site.change(state, {}, forget=["slto"])
    assert "'slot'" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("a-b", {}, "'a-b' is not the name"),
        ("v" * 33, {}, "is not the name"),
        ("a", {"minimum": 5, "maximum": 3}, r"nothing lies in 5\.\.3"),
        ("a", {"minimum": "5"}, "minimum"),
    ],
)
def test_a_rule_that_no_value_keeps_is_refused(
    name: str, rule: dict[str, object], said: str
) -> None:
    state = state_of()
    before = state.site()
    with pytest.raises(InvalidInput, match=said):
        site.change(state, {}, variables={name: rule})
    assert state.site() == before


@pytest.mark.parametrize(
    ("field", "number"),
    [("generations", 0), ("known_good", 0), ("grace", 10**10), ("grace", -1)],
)
def test_numbers_are_bounded(field: str, number: int) -> None:
    with pytest.raises(InvalidInput, match=f"retention: {field}"):
        site.change(state_of(), {}, retention={field: number})


def kinds(state: State) -> tuple[object, ...]:
    settings = state.site()
    return (
        settings.params_append,
        settings.params_replace,
        settings.params_together,
    )


def test_the_last_word_on_a_key_s_kind_counts() -> None:
    state = state_of()
    site.set_kinds(state, Kinds(append=("a-b", "c"), together=(("d", "e"),)), 2)
    assert kinds(state) == (("a-b", "c"), (), (("d", "e"),))
    site.set_kinds(state, Kinds(replace=("a_b", "d"), append=("f",)))
    assert kinds(state) == (("c", "f"), ("a_b", "d"), ())
    site.set_kinds(state, Kinds(by_table=("a-b", "c"), together=(("d", "g"),)))
    assert kinds(state) == (("f",), (), (("d", "g"),))


def test_by_table_1_keys_add_up_or_not() -> None:
    state = state_of()
    site.set_kinds(state, Kinds(), 1)
    before = state.site().repeatable
    site.set_kinds(state, Kinds(append=("x",), replace=("console",)))
    others = tuple(key for key in before if key != "console")
    assert state.site().repeatable == (*others, "x")
    assert kinds(state) == ((), (), ())
    for more in (Kinds(together=(("a", "b"),)), Kinds(by_table=("x",))):
        with pytest.raises(InvalidInput, match="table 1") as caught:
            site.set_kinds(state, more)
        assert "--params-table 2" in caught.value.hint


@pytest.mark.parametrize("key", ["", "a=b", "a b", "-", "--", '"'])
def test_what_is_no_key_has_no_kind(key: str) -> None:
    for given in (Kinds(append=(key,)), Kinds(together=(("a", key),))):
        with pytest.raises(InvalidInput, match="is not the key of a parameter"):
            site.set_kinds(state_of(), given, 2)


def test_what_goes_by_the_table_has_nothing_to_take_back() -> None:
    state = state_of()
    site.set_kinds(state, Kinds(append=("mymod.opt",)), 2)
    with pytest.raises(NotFound, match=r"'mymod\.op'") as caught:
        site.set_kinds(state, Kinds(by_table=("mymod.op",)))
    assert "'mymod.opt'" in caught.value.hint
