"""`kp undo`: the newest edit of the draft goes."""

import shlex

import typer

from kpcmd.arguments.options import DryRun
from kpcmd.arguments.paths import tidied
from kpcmd.context import Done
from kpcmd.errors import LOCKED, OK
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json, change_lines
from kpstore.model.folding import counted
from kpstore.queries.diff import field_changes

app = alone()
apps = {"undo": app}


@verb(app, "undo", "kp undo", "kp undo -n", exits=(LOCKED,))
def undo(context: typer.Context, dry_run: DryRun = False) -> int:
    """Take back the newest edit of your draft; say what it was, and what changes.

    Each edit without -m is one step, and so is each commit of a draft that was pushed.
    """
    session = session_of(context)
    with tidied(session):
        undone = picker(session).undo(dry_run=dry_run)
        if undone is None:
            text = "there is nothing to undo: you have no draft"
            return session.finish(Done(text, OK, {"undone": None, "left": 0}, [text]))
        command = shlex.join(undone.command) or "an edit that was pushed"
        changes = field_changes(undone.with_it, undone.without)
        document = {
            "undone": {
                "argv": list(undone.command),
                "changes": [change_json(each) for each in changes],
            },
            "left": undone.left,
        }
        what = "this would be taken back" if dry_run else "taken back"
        edits = counted(undone.left, "edit")
        left = f"{edits} before it" if undone.left else "there is none before it"
        lines = [f"{what}: {command}", *change_lines(changes), left]
        if dry_run:
            session.out.answer(document, lines)
            return OK
        return session.finish(Done("it is taken back", OK, document, lines))
