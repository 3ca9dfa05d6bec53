"""`kp init`: a new site."""

import secrets
from typing import Annotated

import typer

from kpcmd.context import Done
from kpcmd.errors import OK
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import caller
from kpstore.model.names import check_name
from kpstore.picker import KernelPicker

app = alone()
apps = {"init": app}


@verb(
    app,
    "init",
    "kp init",
    "kp --site /srv/kp init --name hpc1",
    "kp init --shared bootadmins",
)
def init(
    context: typer.Context,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What the site is called.")
    ] = "kp",
    shared: Annotated[
        str,
        typer.Option(
            "--shared", metavar="GROUP", help="The group whose members all write it."
        ),
    ] = "",
) -> int:
    """Make a new site: an empty directory becomes one, with r1 in its history.

    With `--shared` several administrators write it, each as themselves, whatever their
    umask: all in GROUP. A target is theirs too where its root folder is the group's.
    """
    session = session_of(context)
    check_name(name, "site")  # before its directory is there
    site_id = secrets.token_hex(16)
    picker = KernelPicker.create(
        session.root, caller(session), site_id=site_id, name=name, shared=shared
    )
    document = {
        "site": str(session.root),
        "id": site_id,
        "revision": "r1",
        "commit": picker.site.tip(),
    }
    made = f"site {name} in {session.root}"
    if shared:
        made = f"{made}, written by group {shared}"
    status = session.finish(Done("the site is made", OK, document, [made]))
    session.out.say("next: kp image add, kp target add, kp node import; or kp demo")
    return status
