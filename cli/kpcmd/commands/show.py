"""`kp show`: one commit, field by field."""

import shlex
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kpcmd.arguments.options import RevArg
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json, change_lines, folded
from kpcmd.views.revisions import revision_json
from kpstore.queries.diff import Shown
from kpstore.site.reader import utc

app = alone()
apps = {"show": app}


@verb(app, "show", "kp show r42", "kp show r3 --all", "kp show '@{2026-11-20 14:00}'")
def show(
    context: typer.Context,
    rev: RevArg = "HEAD",
    all_: Annotated[
        bool, typer.Option("--all", help="Every change, however many there are.")
    ] = False,
) -> None:
    """Show a commit: who, when, why, with which command, and what it changed.

    Of very many changes the first are shown, and the others counted; --json has all.
    """
    session = session_of(context)
    shown = picker(session).show(rev)
    document = _document(shown) if session.as_json else None  # of a million nodes: long
    session.out.answer(document, _lines(shown, whole=all_))


def _document(shown: Shown) -> dict[str, Any]:
    record = shown.record
    return {
        **revision_json(shown.revision),
        "body": record.body,
        "nodes": record.nodes,
        "images": list(record.images),
        "argv": list(record.argv),
        "host": record.host,
        "ticket": record.ticket or None,
        "reverts": record.reverts or None,
        "changes": [change_json(change) for change in shown.changes],
    }


def _lines(shown: Shown, *, whole: bool) -> Iterator[str]:
    line, record = shown.revision, shown.record
    yield f"r{line.number} {line.commit}"
    facts = {
        "author": f"{line.author} on {record.host}",
        "time": utc(line.time),
        "op": line.op,
        "nodes": record.nodes,
        "ticket": record.ticket,
        "reverts": record.reverts,
        "command": shlex.join(record.argv),
    }
    yield from (f"{name:<8} {text}" for name, text in facts.items() if text)
    yield from ("", f"    {line.subject}")
    yield from (f"    {text}".rstrip() for text in record.body.splitlines())
    yield ""
    if whole:
        yield from change_lines(shown.changes)
    else:
        yield from folded(shown, f"kp show r{line.number} --all")
