"""`kp node show`: apart from the verbs that edit, so it starts fast."""

from typing import Any

import typer

from kpcmd.arguments.options import NodeArg
from kpcmd.commands.node import app
from kpcmd.frame import session_of, verb
from kpcmd.opening import picker
from kpstore.edits import groups, locks


@verb(app, "show", "kp node show n001")
def show(context: typer.Context, node: NodeArg) -> None:
    """Show one node, as it is kept, and the groups that it is in."""
    session = session_of(context)
    state = picker(session).view()
    fields = state.node(node).model_dump(mode="json")
    fields["groups"] = groups.of_node(state, node)
    fields["locked"] = locks.of_node(state, node)
    session.out.answer(fields, (f"{name}: {_text(fields[name])}" for name in fields))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in value.items())
    return "-" if value is None else str(value)
