"""`kp publish`: the disk is made to match main."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.options import Wait
from kpcmd.context import Done, Session
from kpcmd.errors import DRIFT, LAGGING, LOCKED, WrongUsage, worst
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import WAIT, picker
from kpcmd.views.revisions import served
from kpstore.model.folding import counted
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.publish import Publish
from kpstore.site.reader import SiteReader

app = alone()
apps = {"publish": app}


@verb(
    app,
    "publish",
    "kp publish",
    "kp publish boot1 --force",
    exits=(DRIFT, LAGGING, LOCKED),
)
def publish(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]...",
            help="These only.",
            autocompletion=completion.targets,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take over named targets that are ahead.")
    ] = False,
    redraw: Annotated[
        bool,
        typer.Option("--redraw", help="Draw anew what another version of kp drew."),
    ] = False,
    wait: Wait = WAIT,
) -> int:
    """Make the targets serve main: finish what was begun, repair what drifted.

    What others changed is kept in the site's `found` before it is repaired. A target
    that was left behind by choice is brought by its name alone.
    """
    session = session_of(context)
    if force and not targets:
        raise WrongUsage(
            "--force needs the targets' names", hint="kp publish TARGET --force"
        )
    opened = picker(session, wait=wait)
    wanted = Publish(tuple(targets or ()), force=force, redraw=redraw)
    found = opened.publish(wanted)
    behind = any(each.condition in ("lagging", "absent") for each in found)
    ahead = any(each.condition == "ahead" for each in found)
    status = worst(DRIFT if ahead else 0, LAGGING if behind else 0)
    document = [_document(each) for each in found]
    lines = _lines(session, opened.site, found)
    return session.finish(Done("published", status, document, lines))


def _document(found: TargetOutcome) -> dict[str, Any]:
    return {
        "name": found.name,
        "condition": found.condition,
        "live": found.live or None,
        "files_written": found.files_written,
        "problem": found.problem or None,
    }


def _lines(
    session: Session, site: SiteReader, found: list[TargetOutcome]
) -> Iterator[str]:
    for each in found:
        condition = session.out.paint(each.condition)
        line = f"{each.name}: {condition} {served(site, each.live)}"
        if each.files_written:
            line += f", {counted(each.files_written, 'file')} written"
        yield line.rstrip() + (f": {each.problem}" if each.problem else "")
