"""`kp default`: the entry that an image's nodes boot."""

import typer

from kpcmd.arguments.committing import ForcibleCommand, editing, way_of
from kpcmd.arguments.options import EntryArg, ImageArg
from kpcmd.editing import edit
from kpcmd.frame import alone, session_of
from kpstore.edits import images

app = alone()
apps = {"default": app}


@editing(
    app,
    "default",
    "kp default web next -m 'the new kernel passed on the canaries'",
    "kp default web next --force 'the fault was a cable' -m 'again'",
    cls=ForcibleCommand,
)
def default(
    context: typer.Context,
    image: ImageArg,
    name: EntryArg,
) -> int:
    """Choose the entry that an image's nodes boot.

    A payload that is known bad needs --force with a reason, which is recorded.
    """
    way = way_of(context, "default")
    return edit(
        session_of(context),
        way,
        lambda state: images.set_default(state, image, name),
    )
