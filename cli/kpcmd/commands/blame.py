"""`kp blame`: which commit last set each field of an entry, or what a node boots."""

from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.errors import WrongUsage
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.changes import change_json
from kpstore.site.reader import utc

app = alone()
apps = {"blame": app}


@verb(app, "blame", "kp blame web production", "kp blame --node n042")
def blame(
    context: typer.Context,
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="IMAGE", help="An image.", autocompletion=completion.images
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ENTRY", help="A boot entry.", autocompletion=completion.entries
        ),
    ] = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="N",
            help="A node: what it boots, part by part.",
            autocompletion=completion.nodes,
        ),
    ] = None,
) -> None:
    """Say which commit last set each field of an entry, and whose that was."""
    session = session_of(context)
    opened = picker(session)
    if node is not None and image is None:
        opened.view("HEAD").node(node)
        found = opened.blame_node(node)
    elif node is None and image is not None and name is not None:
        opened.view("HEAD").entry(image, name)
        found = opened.blame(image, name)
    else:
        raise WrongUsage(
            "say IMAGE and ENTRY, or --node N", hint="kp blame IMAGE ENTRY"
        )
    document = [
        {
            **change_json(change),
            "revision": f"r{line.number}",
            "author": line.author,
            "time": utc(line.time),
        }
        for line, change in found
    ]
    rows = [
        (f"r{line.number}", utc(line.time), line.author, change.field, str(change.new))
        for line, change in found
    ]
    header = ("REV", "TIME", "AUTHOR", "FIELD", "VALUE")
    session.out.answer(document, session.out.columns(header, rows))
