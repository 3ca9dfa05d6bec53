"""`kp params`: how kernel parameters are read."""

from typing import Annotated

import typer

from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpstore.queries.params import read_line

app = noun("How kernel parameters are read.")
apps = {"params": app}


@verb(
    app,
    "explain",
    "kp params explain 'root=/dev/sda1 ro console=tty0 console=ttyS0,115200'",
    'kp params explain "$(cat /proc/cmdline)" --json',
)
def explain(
    context: typer.Context,
    line: Annotated[str, typer.Argument(metavar="LINE", help="A command line.")],
) -> None:
    """Show of each token its key, what a later layer's tokens do, and who says so."""
    session = session_of(context)
    found = read_line(picker(session).view().site().rules, line)
    rows = [
        (each.token, each.key, " ".join((each.kind, *each.together)), each.source)
        for each in found
    ]
    session.out.answer(
        [each._asdict() for each in found],
        session.out.columns(("TOKEN", "KEY", "KIND", "SOURCE"), rows),
    )
