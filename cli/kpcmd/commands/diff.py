"""`kp diff`: the draft against main, or two revisions."""

import difflib
from collections.abc import Iterator
from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.errors import CONFLICT
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json, change_lines
from kpstore.queries.diff import field_changes
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
) -> None:
    """Compare your draft with main, a revision with main, or two revisions."""
    session = session_of(context)
    opened = picker(session)
    before = opened.view(old or "HEAD")
    after = opened.view("HEAD" if old and not new else new)
    if rendered:
        files = rendered_changes(opened.site.settings, before, after)
        document = [{"file": f, "old": o, "new": n} for f, o, n in files]
        session.out.answer(document, _unified(files))
        return
    changes = field_changes(before, after)
    session.out.answer([change_json(each) for each in changes], change_lines(changes))


def _unified(files: list[tuple[str, str, str]]) -> Iterator[str]:
    for name, old, new in files:
        yield from difflib.unified_diff(
            old.splitlines(), new.splitlines(), f"a/{name}", f"b/{name}", lineterm=""
        )
