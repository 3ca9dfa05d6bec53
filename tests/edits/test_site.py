"""Edits of the site's settings: what is given is set, the rest stays."""

import pytest

from kpstore.edits import site
from kpstore.errors import InvalidInput, NotFound
from kpstore.model.documents import Retention, VariableRule
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
