"""`kp why`: what a node boots next, and why."""

from collections.abc import Iterator
from typing import Any

import typer

from kpcmd.arguments.options import NodeArg
from kpcmd.context import Session
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.entries import shown_json
from kpcmd.views.outcomes import given_way
from kpcmd.views.revisions import revision_json, revision_line, served
from kpstore.queries.why import Why
from kpstore.site.reader import SiteReader

app = alone()
apps = {"why": app}


@verb(app, "why", "kp why n042", "kp why n042 --json")
def why(context: typer.Context, node: NodeArg) -> None:
    """Say what a node boots next and why: entry, each parameter's origin, who.

    Of main: what is in your draft is not live.
    """
    session = session_of(context)
    opened = picker(session)
    found = opened.why(opened.view("HEAD"), node)
    session.out.answer(_document(found), _lines(session, opened.site, found))


def _document(found: Why) -> dict[str, Any]:
    return {
        "node": found.node,
        "image": found.image,
        "template": found.template,
        "groups": list(found.groups),
        "reason": found.reason,
        "entry": shown_json(found.entry) if found.entry else None,
        "last": [revision_json(line) for line in found.last],
        "served": [
            {"target": target, "condition": condition, "live": live or None}
            for target, condition, live in found.served
        ],
    }


def _lines(session: Session, site: SiteReader, found: Why) -> Iterator[str]:
    yield f"{found.node} boots {_what(found)}: {found.reason}"
    if found.entry:
        yield f"kernel   {found.entry.kernel['release']}  {found.entry.kernel['path']}"
        verdict = session.out.paint(found.entry.verdict)
        yield f"payload  {found.entry.payload}  {verdict}"
        yield f"cmdline  {found.entry.cmdline}"
        for each in found.entry.params:
            yield f"  {each.token}  from {each.origin}"
        yield from (f"  {given_way(each)}" for each in found.entry.replaced)
    yield from map(revision_line, found.last)
    for target, condition, live in found.served:
        what = served(site, live)
        yield f"{target}: {session.out.paint(condition)} {what}".rstrip()


def _what(found: Why) -> str:
    entry = found.entry
    return f"{entry.image}/{entry.entry}" if entry else "from its own disk"
