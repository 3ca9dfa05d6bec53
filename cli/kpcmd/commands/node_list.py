"""What of `kp node list` needs the models: sets, drafts, and what nodes boot."""

from typing import Any

from kpcmd.arguments.nodesets import chosen
from kpcmd.context import Session
from kpcmd.opening import picker
from kpstore.model.moves import group_sets
from kpstore.model.nodesets import expand
from kpstore.queries.nodes import (
    BootAsked,
    fields_of_nodes,
    listed_nodes,
    nodes_that_boot,
)


def every(
    session: Session, sets: list[str] | None, **asked: str | None
) -> list[dict[str, Any]]:
    """Return the nodes of the sets, or all, with the caller's draft over main.

    `asked` are the fields of `BootAsked`; what nodes boot is main's alone.
    """
    opened = picker(session)
    if not any(value is not None for value in asked.values()):
        state = opened.view()
        return chosen(state, listed_nodes(state), sets, None)
    names = nodes_that_boot(opened.site, BootAsked(**asked))
    state = opened.view("HEAD")
    if sets:
        wanted = expand(sets, group_sets(state))
        for name in wanted:
            state.node(name)
        names &= {*wanted}
    return fields_of_nodes(state, names)
