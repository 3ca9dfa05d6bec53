"""The nodes of a state, for a listing."""

from collections.abc import Iterator
from typing import Any

from kpstore.history.snapshot import Snapshot
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.queries.diff import fields_of


def listed_nodes(state: State) -> Iterator[dict[str, Any]]:
    """Read every node's fields for a listing, those of the base unvalidated."""
    changed = {key.name for key in state.changes if key.kind == "node"}
    assert isinstance(state.base, Snapshot)
    for fields in state.base.raw_nodes():
        if fields["name"] not in changed:
            yield fields
    for name in changed:
        node = state.get(Key("node", name))
        if node is not None:
            yield fields_of(node)
