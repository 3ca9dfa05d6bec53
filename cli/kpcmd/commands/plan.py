"""`kp plan`: what commit would do."""

from typing import Annotated

import typer

from kpcmd.editing import show_plan
from kpcmd.errors import CHANGES, CONFLICT
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker

app = alone()
apps = {"plan": app}


@verb(
    app,
    "plan",
    "kp plan",
    "kp plan --json | jq -r .plan",
    "kp plan --detailed-exitcode",
    exits=(CONFLICT, CHANGES),
)
def plan(
    context: typer.Context,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit 10 when there are changes."),
    ] = False,
) -> int:
    """Show what committing the draft would do: files per target, nodes, an id.

    `kp commit --plan ID` commits exactly this or nothing. -v names every file.
    """
    session = session_of(context)
    found = picker(session).plan(looking=True)
    show_plan(session, found)
    if found.changes:
        session.out.say(f"plan {found.id}: kp commit --plan {found.id}")
    return CHANGES if detailed and found.changes else 0
