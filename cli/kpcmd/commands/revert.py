"""`kp revert`: one commit is undone, the later ones stay."""

from typing import Annotated

import typer

from kpcmd.arguments.committing import committing
from kpcmd.arguments.options import DryRun, Force, RevArg, Yes
from kpcmd.arguments.paths import tidied
from kpcmd.editing import confirm, show_plan
from kpcmd.errors import CONFLICT, LAGGING, LOCKED
from kpcmd.frame import alone, session_of
from kpcmd.opening import picker
from kpcmd.views.outcomes import report

app = alone()
apps = {"revert": app}


@committing(
    app,
    "revert",
    "kp revert r41 -m 'the console was right before'",
    exits=(CONFLICT, LAGGING, LOCKED),
)
def revert(
    context: typer.Context,
    rev: RevArg,
    message: Annotated[
        str, typer.Option("-m", "--message", metavar="MSG", help="Say why.")
    ],
    force: Force = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Undo one commit and keep the later ones; refused where they clash."""
    session = session_of(context)
    opened = picker(session)
    if dry_run or (session.world.terminal and not yes):
        plan = opened.revert(rev, message, dry_run=True, force=force).plan
        assert plan  # a dry run has one
        if dry_run:
            return show_plan(session, plan)
        confirm(session, plan, yes=yes)
    with tidied(session):
        outcome = opened.revert(rev, message, force=force).outcome
        assert outcome  # it was no dry run
        return report(session, outcome)
