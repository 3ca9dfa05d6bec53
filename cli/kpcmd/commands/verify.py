"""`kp verify`: what is served, held against what was committed."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

import typer

from kpcmd.context import Session
from kpcmd.errors import DRIFT, LAGGING, worst
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpstore.errors import Drift, Refused
from kpstore.model.folding import counted
from kpstore.queries.doctor.contract import Advice
from kpstore.queries.verify import Verified

app = alone()
apps = {"verify": app}


@verb(
    app,
    "verify",
    "kp verify",
    "kp verify --quick",
    "kp verify --rendered",
    exits=(DRIFT, LAGGING),
)
def verify(
    context: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="What changed since kp last wrote; at once.")
    ] = False,
    rendered: Annotated[
        bool, typer.Option("--rendered", help="What is served only, not history.")
    ] = False,
    signatures: Annotated[
        bool, typer.Option("--signatures", help="Not yet: commits aren't signed.")
    ] = False,
) -> int:
    """Compare every target with the commit that it serves, down to every byte.

    Before that, whether history can be read and main's artifacts are there.
    """
    session = session_of(context)
    if signatures:
        raise Refused(
            "--signatures: kp can't sign commits yet, so there are none to check",
            hint="git -C state.git fsck --strict",
        )
    opened = picker(session)
    with session.out.progress("verifying"):
        if not (quick or rendered):
            _refuse_damage(opened.damage())
        found = opened.verify(deep=not quick)
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


def _refuse_damage(damage: list[Advice]) -> None:
    """Drift when history is not intact: nothing could be held against it."""
    if damage:
        lines = "\n".join(f"{each.about}: {each.text}" for each in damage)
        raise Drift(f"history is not intact:\n{lines}", hint=damage[0].mend)


def _lines(session: Session, found: list[Verified]) -> Iterator[str]:
    for each in found:
        yield f"{each.name}: {session.out.paint(each.condition)}, {_what(each)}"
        for one in each.findings:
            yield f"  {one.path}: {one.kind} {one.detail}".rstrip()


def _what(each: Verified) -> str:
    kinds = Counter(one.kind for one in each.findings)
    if each.condition in ("absent", "ahead"):
        return "not compared"
    if each.drift:
        return counted(len(each.drift), "difference")
    if kinds["stays"]:
        return "boots what isn't listed"
    if kinds["spoiled"]:
        return f"as committed; {kinds['spoiled']} spoiled, for the way back alone"
    return "as committed"


def _status(session: Session, found: list[Verified]) -> int:
    drifted = any(each.drift or each.condition == "ahead" for each in found)
    behind = any(each.condition in ("lagging", "absent") for each in found)
    reached = [each for each in found if each.condition in ("live", "lagging")]
    if any(each.drift or each.condition == "lagging" for each in reached):
        session.out.say("kp publish repairs; what others changed is kept in found/")
    return worst(DRIFT if drifted else 0, LAGGING if behind else 0)
