"""`kp resolve`: what clashes between the draft and main is settled."""

from typing import Annotated, Literal

import typer

from kpcmd.arguments.options import DryRun
from kpcmd.arguments.paths import tidied
from kpcmd.context import Done
from kpcmd.errors import LOCKED, OK, WrongUsage
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import resolved_lines
from kpstore.errors import KpError
from kpstore.operations.draft.resolve import Resolve
from kpstore.queries.diff import FieldConflict

app = alone()
apps = {"resolve": app}


def _names(context: typer.Context, incomplete: str) -> list[str]:
    """Complete the conflicts of the draft."""
    try:
        clashes = picker(session_of(context)).compared().clashes
    except (KpError, OSError):
        return []
    return [each.name for each in clashes if each.name.startswith(incomplete)]


@verb(
    app,
    "resolve",
    "kp resolve entry/web/production/params --mine",
    "kp resolve node/n01/image --value web",
    exits=(LOCKED,),
)
def resolve(
    context: typer.Context,
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Conflicts, as kp diff names them.",
            autocompletion=_names,
        ),
    ],
    main: Annotated[
        bool, typer.Option("--main", help="Main's value counts: your edit goes.")
    ] = False,
    mine: Annotated[
        bool, typer.Option("--mine", help="Yours counts, over main's.")
    ] = False,
    value: Annotated[
        str | None,
        typer.Option("--value", metavar="V", help="Neither: this one, text or JSON."),
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """Settle conflicts between your draft and main; kp diff shows them.

    Editing such a field again settles it, too. It is an edit of your draft: not live
    until you commit, and kp undo takes it back.
    """
    session = session_of(context)
    wanted = Resolve(names, _take(main, mine, value), value or "", dry_run)
    with tidied(session):
        found = picker(session).resolve(wanted)
        settled = [FieldConflict.of(each) for each in found.settled]
        document = {
            "resolved": [
                {
                    "name": each.name,
                    "document": each.document,
                    "field": each.field,
                    "value": each.mine,
                }
                for each in settled
            ],
            "left": found.left,
        }
        lines = list(resolved_lines(settled, found.left, dry_run=dry_run))
        if dry_run:
            session.out.answer(document, lines)
            return OK
        return session.finish(Done("it is settled", OK, document, lines))


def _take(
    main: bool, mine: bool, value: str | None
) -> Literal["main", "mine", "value"]:
    given: list[Literal["main", "mine", "value"]] = []
    given += ["main"] if main else []
    given += ["mine"] if mine else []
    given += ["value"] if value is not None else []
    if len(given) != 1:
        raise WrongUsage(
            "whose word counts is said once: --main, --mine or --value V",
            hint="kp resolve NAME --mine",
        )
    return given[0]
