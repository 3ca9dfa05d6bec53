"""`kp draft`: everybody's drafts, and one's own kept by names."""

import shlex
from typing import Annotated, Any

import typer

from kpcmd.arguments.paths import tidied
from kpcmd.context import Done
from kpcmd.editing import NOT_LIVE
from kpcmd.errors import LOCKED, OK
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json, change_lines
from kpstore.errors import KpError
from kpstore.queries.diff import field_changes

app = noun("Drafts: everybody's, and your own that are kept by names.")
apps = {"draft": app}


def _saved(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the names of one's own saved drafts."""
    session = session_of(context)
    try:
        every = picker(session).drafts()
    except (KpError, OSError):
        return []
    mine = [each.name for each in every if each.user == session.world.user]
    return [name for name in mine if name and name.startswith(incomplete)]


def _users(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the users who have drafts."""
    try:
        every = picker(session_of(context)).drafts()
    except (KpError, OSError):
        return []
    return sorted({d.user for d in every if d.user.startswith(incomplete)})


Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Its name.", autocompletion=_saved),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Whatever is there gives way.")
]


@verb(app, "list", "kp draft list", "kp draft list --json")
def list_(context: typer.Context) -> None:
    """List all drafts, in use and saved, with how many edits they have."""
    session = session_of(context)
    every = picker(session).drafts()
    found = [
        {
            "user": each.user,
            "name": each.name or None,
            "edits": len(each.edits),
            "since": each.edits[0].time if each.edits else None,
            "base": each.base or None,
            "problem": each.problem,
        }
        for each in every
    ]
    rows = [
        (
            each.user,
            each.name or "-",
            "-" if each.problem else str(len(each.edits)),
            each.edits[0].time if each.edits else "-",
            each.problem,
        )
        for each in every
    ]
    header = ("USER", "SAVED AS", "EDITS", "SINCE", "PROBLEM")
    session.out.answer(found, session.out.columns(header, rows))


@verb(app, "show", "kp draft show", "kp draft show bob", "kp draft show ann new-disks")
def show(
    context: typer.Context,
    user: Annotated[
        str | None,
        typer.Argument(metavar="[USER]", help="Whose; yours.", autocompletion=_users),
    ] = None,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="One that was saved.")
    ] = "",
) -> None:
    """Show a draft: its edits, the newest first, and what they change of its main."""
    session = session_of(context)
    found = picker(session).draft(user, name)
    assert found.before is not None
    assert found.after is not None
    changes = field_changes(found.before, found.after)
    document: dict[str, Any] = {
        "user": found.user,
        "name": found.name or None,
        "base": found.base,
        "edits": [
            {"commit": e.commit, "time": e.time, "argv": list(e.command)}
            for e in found.edits
        ],
        "changes": [change_json(each) for each in changes],
    }
    lines = [
        f"{e.time}  {shlex.join(e.command) or 'an edit that was pushed'}"
        for e in found.edits
    ]
    session.out.answer(document, [*lines, *change_lines(changes)])


@verb(app, "save", "kp draft save new-disks", exits=(LOCKED,))
def save(context: typer.Context, name: Name, replace: Replace = False) -> int:
    """Keep your draft by a name. It stays in use: kp discard ends that."""
    session = session_of(context)
    picker(session).save_draft(name, replace=replace)
    text = f"your draft is saved as {name}: kp draft load {name}"
    return session.finish(Done("it is saved", OK, {"saved": name}, [text]))


@verb(app, "load", "kp draft load new-disks", exits=(LOCKED,))
def load(context: typer.Context, name: Name, replace: Replace = False) -> int:
    """Go on with a draft that you saved; it stays saved.

    What main became meanwhile is merged with it field by field, as with any draft.
    Refused while your draft has edits that are saved nowhere.
    """
    session = session_of(context)
    with tidied(session):
        picker(session).load_draft(name, replace=replace)
        lines = [f"your draft is {name} again"]
        status = session.finish(Done("it is loaded", OK, {"loaded": name}, lines))
    session.out.say(NOT_LIVE)
    return status


@verb(app, "rm", "kp draft rm new-disks", exits=(LOCKED,))
def rm(context: typer.Context, name: Name) -> int:
    """Remove a draft that you saved; the one in use stays as it is."""
    session = session_of(context)
    with tidied(session):
        picker(session).remove_draft(name)
        text = f"{name} is removed"
        return session.finish(Done(text, OK, {"removed": name}, [text]))
