"""`kp node lock` and `unlock`: apart, for what changes seldom."""

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.options import NodeSets
from kpcmd.commands.node import app
from kpcmd.editing import Way, edit, nodes_of
from kpcmd.errors import WrongUsage
from kpcmd.frame import session_of
from kpstore.edits import locks
from kpstore.model.state import State


@editing(app, "lock", "kp node lock login[1-2],@storage -m 'people work there'")
def lock(context: typer.Context, nodeset: NodeSets) -> int:
    """Lock nodes: a commit changes what they boot with --unlock alone.

    A rollback goes through, and says which locked nodes it changes.
    """
    session, way = session_of(context), way_of(context, "node lock")
    why = _reason(way)

    def change(state: State) -> None:
        locks.lock(state, nodes_of(session, state, nodeset), why)

    return edit(session, way, change)


@editing(app, "unlock", "kp node unlock login2 -m 'nobody works there any more'")
def unlock(context: typer.Context, nodeset: NodeSets) -> int:
    """Unlock nodes: every commit changes what they boot."""
    session, way = session_of(context), way_of(context, "node unlock")
    _reason(way)

    def change(state: State) -> None:
        locks.unlock(state, nodes_of(session, state, nodeset))

    return edit(session, way, change)


def _reason(way: Way) -> str:
    if not (way.message and way.message.strip()):
        raise WrongUsage("say why", hint="kp node lock NODESET -m WHY")
    return way.message.strip().splitlines()[0]
