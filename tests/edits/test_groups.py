"""Edits of groups: one that another names stays."""

import pytest

from kpstore.edits import groups
from kpstore.errors import Refused
from support.states import put_group, state_of


@pytest.mark.parametrize(
    "text", ["@rack1", "n001,@rack1", "@rack[1-3]!n002", "n9&@rack1"]
)
def test_a_group_that_another_names_stays(text: str) -> None:
    state = state_of()
    put_group(state, "rack1", nodes="n001")
    put_group(state, "all", nodes=text)
    with pytest.raises(Refused, match="group all names @rack1") as caught:
        groups.remove(state, "rack1")
    assert "kp group set all" in caught.value.hint


@pytest.mark.parametrize("text", ["@rack10", "@rack1-x", "rack1", "n[1-2", "@x:y"])
def test_a_group_that_no_other_names_goes(text: str) -> None:
    state = state_of()
    for name in ("rack1", "rack10", "rack1-x"):
        put_group(state, name, nodes="n001")
    put_group(state, "all", nodes=text)
    groups.remove(state, "rack1")
    assert "rack1" not in state.names("group")
