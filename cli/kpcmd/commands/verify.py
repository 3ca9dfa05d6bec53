"""`kp verify`: what is served, held against what was committed."""

from collections.abc import Iterator
from typing import Annotated

import typer

from kpcmd.context import Session
from kpcmd.errors import DRIFT, LAGGING, worst
from kpcmd.frame import alone, session_of, verb
from kpcmd.picking import picker
from kpstore.upkeep import Verified

app = alone()
apps = {"verify": app}


@verb(app, "verify", "kp verify", "kp verify --quick", exits=(DRIFT, LAGGING))
def verify(
    context: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="Names, links and menus; not every byte.")
    ] = False,
) -> int:
    """Compare every target with the commit that it serves, down to every byte."""
    session = session_of(context)
    opened = picker(session)
    with session.out.progress("verifying"):
        found = opened.upkeep.verify(deep=not quick)
    document = [
        {
            "target": each.name,
            "condition": each.condition,
            "findings": [
                {"path": one.path, "kind": one.kind, "detail": one.detail}
                for one in each.findings
            ],
        }
        for each in found
    ]
    session.out.answer(document, _lines(session, found))
    return _status(session, found)


def _lines(session: Session, found: list[Verified]) -> Iterator[str]:
    for each in found:
        what = f"{len(each.findings)} differences" if each.findings else "as committed"
        if each.condition in ("absent", "ahead"):
            what = "not compared"
        yield f"{each.name}: {session.out.paint(each.condition)}, {what}"
        for one in each.findings:
            yield f"  {one.path}: {one.kind} {one.detail}".rstrip()


def _status(session: Session, found: list[Verified]) -> int:
    drifted = any(each.findings or each.condition == "ahead" for each in found)
    behind = any(each.condition in ("lagging", "absent") for each in found)
    if drifted or behind:
        session.out.say("kp publish repairs; what others changed is kept in found/")
    return worst(DRIFT if drifted else 0, LAGGING if behind else 0)
