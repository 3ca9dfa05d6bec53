"""`kp commit`: the draft becomes a commit, and live."""

from dataclasses import replace
from typing import Annotated

import typer

from kpcmd.arguments.committing import committing
from kpcmd.arguments.options import DryRun, Force, Wait, Why, Yes
from kpcmd.arguments.paths import tidied
from kpcmd.editing import confirm
from kpcmd.errors import CONFLICT, LAGGING, LOCKED, WrongUsage
from kpcmd.frame import alone, session_of
from kpcmd.opening import WAIT, picker
from kpcmd.terminal.editor import ask_message
from kpcmd.views.outcomes import plan_json, plan_lines, report
from kpstore.model.folding import counted

app = alone()
apps = {"commit": app}


@committing(
    app,
    "commit",
    "kp commit -m 'web: kernel 6.12 for the new network cards'",
    "kp commit --plan 0123456789abcdef -m 'as reviewed' --ticket OPS-42",
    exits=(CONFLICT, LAGGING, LOCKED),
)
def commit(
    context: typer.Context,
    message: Why = None,
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="ID", help="This plan, or nothing.")
    ] = None,
    wait: Wait = WAIT,
    author: Annotated[
        str | None,
        typer.Option("--author", metavar="A", help="Who, if not you: Name <mail>."),
    ] = None,
    ticket: Annotated[
        str, typer.Option("--ticket", metavar="T", help="A ticket, for the record.")
    ] = "",
    force: Force = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Commit and publish your draft. Without -m, $EDITOR opens."""
    session = session_of(context)
    if author is not None and not author.strip():
        raise WrongUsage(
            "--author needs a name",
            hint="kp commit --author 'Ann Example <ann@example>'",
        )
    opened = picker(session, wait=wait, author=author or "", ticket=ticket)
    if dry_run or session.world.terminal or message is None:
        found = opened.plan()
        if dry_run or not found.changes:
            session.out.answer(plan_json(found), plan_lines(session, found))
            return 0
        if found.nodes:
            session.out.say(f"{counted(found.nodes_changed, 'node')}: {found.nodes}")
        confirm(session, found, yes=yes)
        plan = plan or found.id
        plain = replace(session, no_color=True)
        message = message or ask_message(session, plan_lines(plain, found))
    with tidied(session):
        outcome = opened.commit(message, plan=plan, force=force)
        return report(session, outcome)
