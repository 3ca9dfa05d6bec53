"""`kp rollback`: images go back, in one commit."""

from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import committing
from kpcmd.arguments.options import DryRun, Wait, Why, Yes
from kpcmd.context import Session
from kpcmd.editing import ask
from kpcmd.errors import LAGGING, LOCKED, WrongUsage
from kpcmd.frame import alone, session_of
from kpcmd.opening import WAIT, picker
from kpcmd.views.outcomes import outcome_json, outcome_lines, report
from kpstore.model.folding import counted
from kpstore.operations.outcome import Outcome
from kpstore.operations.rollback import Rollback
from kpstore.picker import KernelPicker

app = alone()
apps = {"rollback": app}


@committing(
    app,
    "rollback",
    "kp rollback web -m 'nodes of rack 1 do not come up'",
    "kp rollback web -n",
    "kp rollback web db --to r41",
    "kp rollback --all --to '@{2026-11-20 14:00}'",
    exits=(LAGGING, LOCKED),
)
def rollback(
    context: typer.Context,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...", help="Images.", autocompletion=completion.images
        ),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every image.")] = False,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="REV",
            help="To this revision, instead of the newest known-good state.",
            autocompletion=completion.revisions,
        ),
    ] = None,
    blame: Annotated[
        bool | None,
        typer.Option(
            "--blame/--no-blame", help="What is rolled away from becomes known bad."
        ),
    ] = None,
    message: Why = None,
    wait: Wait = WAIT,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Take images back: to known-good, or to a revision. Live at once.

    Without --to: the newest state whose default is known good and isn't today's; what
    was default becomes known bad. Your draft is neither read nor changed.
    """
    session = session_of(context)
    if bool(images) == all_:
        raise WrongUsage("say one of IMAGE…, --all", hint="kp rollback IMAGE")
    wanted = Rollback(tuple(images or ()), to, message or "", blame, dry_run)
    opened = picker(session, wait=wait)
    if dry_run:
        return _show(session, opened.rollback(wanted))
    if session.world.terminal and not yes:
        _confirm(session, opened, wanted)
    return report(session, opened.rollback(wanted))


def _confirm(session: Session, opened: KernelPicker, wanted: Rollback) -> None:
    before = opened.rollback(
        Rollback(wanted.images, wanted.to, wanted.message, wanted.blame, dry_run=True)
    )
    limit = opened.view("HEAD").site().confirm_above
    if before.nodes_changed > limit:
        images = " ".join(wanted.images) or "every image"
        what = f"{counted(before.nodes_changed, 'node')} go back: {before.nodes}"
        ask(session, f"{images}: {what}")


def _show(session: Session, outcome: Outcome) -> int:
    said = [f"  {line}" for line in outcome_lines(session, outcome)]
    lines = [
        *(["this rollback would say:"] if said else []),
        *said,
        f"{counted(outcome.nodes_changed, 'node')} would boot differently"
        + (f": {outcome.nodes}" if outcome.nodes else ""),
    ]
    session.out.answer({**outcome_json(outcome), "nodes": outcome.nodes}, lines)
    return 0
