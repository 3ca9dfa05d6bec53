"""`kp apply`: objects become what a JSON document says."""

from pathlib import Path
from typing import Annotated

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.tables import data_of
from kpcmd.editing import edit
from kpcmd.frame import alone, session_of
from kpstore.edits import objects
from kpstore.model.state import State

app = alone()
apps = {"apply": app}


@editing(
    app,
    "apply",
    "kp apply -f site.json -n",
    "kp apply -f rack1.json -m 'rack 1 as it is wired'",
)
def apply(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Option(
            "-f", "--file", metavar="FILE", help="As kp export prints it; - for stdin."
        ),
    ],
) -> int:
    """Make objects what a document says they are; what it leaves out stays.

    An object that is null there is removed. Kernels' files are not part of the
    document: they must be in the site.
    """
    session = session_of(context)
    wanted = objects.read(data_of(file))

    def change(state: State) -> None:
        objects.put(state, wanted)

    return edit(session, way_of(context, "apply"), change)
