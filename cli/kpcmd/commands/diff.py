"""`kp diff`: the draft against main, or two revisions."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.context import Session
from kpcmd.errors import CONFLICT, OK
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json, change_lines, conflict_lines
from kpstore.model.state import State
from kpstore.queries.diff import FieldChange, FieldConflict, field_changes
from kpstore.queries.rendered import rendered_changes

app = alone()
apps = {"diff": app}

Rev = Annotated[
    str | None,
    typer.Argument(
        metavar="[REV]",
        help="A revision.",
        autocompletion=completion.revisions,
    ),
]


@verb(
    app,
    "diff",
    "kp diff",
    "kp diff r41 r42",
    "kp diff --rendered",
    exits=(CONFLICT,),
)
def diff(
    context: typer.Context,
    old: Rev = None,
    new: Rev = None,
    rendered: Annotated[
        bool, typer.Option("--rendered", help="What nodes are served, not the fields.")
    ] = False,
) -> int:
    """Compare your draft with main, a revision with main, or two revisions.

    Where your draft and main changed one field differently, its name is shown with
    the value that it had, main's and yours (exit 3): kp resolve settles it.
    """
    session = session_of(context)
    opened = picker(session)
    before = opened.view(old or "HEAD")
    if old is None and not rendered:
        changes, clashes = opened.compared()
        after = State(before.base, changes)
        if clashes:
            conflicts = [FieldConflict.of(each) for each in clashes]
            return _conflicts(session, conflicts, field_changes(before, after))
    else:
        after = opened.view("HEAD" if old and not new else new)
    if rendered:
        files = rendered_changes(opened.site.settings, before, after)
        document = [{"file": f, "old": o, "new": n} for f, o, n in files]
        session.out.answer(document, _unified(files))
        return OK
    found = field_changes(before, after)
    session.out.answer([change_json(each) for each in found], change_lines(found))
    return OK


def _conflicts(
    session: Session, found: Sequence[FieldConflict], rest: Sequence[FieldChange]
) -> int:
    """Show what main and the draft disagree about, then the rest of the draft."""
    document = [*map(asdict, found), *map(change_json, rest)]
    session.out.answer(document, [*conflict_lines(found), *change_lines(rest)])
    session.out.say("settle each: kp resolve NAME --main, --mine or --value V")
    return CONFLICT


def _unified(files: list[tuple[str, str, str]]) -> Iterator[str]:
    for name, old, new in files:
        yield from difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
        )
