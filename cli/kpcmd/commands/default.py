"""`kp default`: the entry that an image's nodes boot."""

import typer

from kpcmd.arguments.committing import committing
from kpcmd.arguments.options import DryRun, EntryArg, Force, ImageArg, Message, Yes
from kpcmd.editing import Manner, edit
from kpcmd.errors import CONFLICT, LAGGING, LOCKED
from kpcmd.frame import alone, session_of
from kpstore.edits import images

app = alone()
apps = {"default": app}


@committing(
    app,
    "default",
    "kp default web next -m 'the new kernel passed on the canaries'",
    "kp default web next --force 'the fault was a cable' -m 'again'",
    exits=(CONFLICT, LAGGING, LOCKED),
)
def default(
    context: typer.Context,
    image: ImageArg,
    name: EntryArg,
    force: Force = "",
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Choose the entry that an image's nodes boot.

    A payload that is known bad needs --force with a reason, which is recorded.
    """
    manner = Manner("default", message, dry_run, yes, force)
    return edit(
        session_of(context),
        manner,
        lambda state: images.set_default(state, image, name),
    )
