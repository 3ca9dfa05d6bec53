"""What a node boots and why, where that is not what its entry says."""

from pathlib import Path

import pytest

from kpstore.edits import entries, nodes
from kpstore.model.keys import Key
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, first_import, name


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site that went back to a state that asks for more than a node has (r6)."""
    site = sites.make(tmp_path, first_import)
    with site.picker().edit("racks") as edit:  # r3
        for number in (4, 5):
            nodes.change(edit.state, [name(number)], {}, variables={"rack": "r1"})
        rack = ("rack={node.var.rack}",)
        entries.change(edit.state, "gpu", "run", {}, add_params=rack)
    with site.picker().edit("no racks") as edit:
        entries.change(edit.state, "gpu", "run", {}, remove_params=("rack",))
    with site.picker().edit("forget") as edit:
        node = edit.state.node(name(5))
        edit.state.put(Key("node", name(5)), node.model_copy(update={"vars": {}}))
    site.picker().rollback(Rollback(("gpu",), to="r3"))
    return site


def test_a_node_that_lacks_a_variable_boots_by_the_policy_and_why_says_so(
    site: SmallSite,
) -> None:
    picker = site.picker()
    lost, kept = (picker.why(picker.view(), name(each)) for each in (5, 4))
    assert lost.entry is None
    assert lost.reason == "it lacks var.rack: the unknown-node policy (local disk)"
    assert {condition for _, condition, _ in lost.served} == {"live"}
    assert kept.entry
    assert "rack=r1" in kept.entry.cmdline
