"""`kp export`: objects as one JSON document, which `kp apply` takes."""

from typing import Annotated

import typer

from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpstore.edits import objects

app = alone()
apps = {"export": app}


@verb(app, "export", "kp export > site.json", "kp export image/web node/n01")
def export(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[OBJECT]...",
            help="image/web (with kernels and entries), entry/web/production, "
            "node/n01, group/rack1, target/boot1, site. Without one: all.",
        ),
    ] = None,
) -> None:
    """Print objects as one JSON document, as your draft has them.

    Verdicts are no part of it: they are what was found, not what is wanted.
    """
    session = session_of(context)
    state = picker(session).view()
    found = objects.written(state, map(objects.key_of, names or ()))
    session.out.document(found)
