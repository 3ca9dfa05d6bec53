"""`kp edit`: an object in the person's editor."""

import json
from typing import Annotated

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.editing import edit as edited
from kpcmd.errors import WrongUsage
from kpcmd.frame import alone, session_of
from kpcmd.opening import picker
from kpcmd.terminal.editor import edited_text
from kpstore.edits import objects
from kpstore.errors import Conflict, KpError
from kpstore.model import bounds
from kpstore.model.keys import Key
from kpstore.model.state import State

app = alone()
apps = {"edit": app}


@editing(app, "edit", "kp edit entry/web/production", "kp edit node/n01 -m 'new card'")
def edit(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT",
            help="image/web, entry/web/production, node/n01, group/rack1, "
            "target/boot1 or site.",
        ),
    ],
) -> int:
    """Change an object's JSON document in $EDITOR; reopened while it has a mistake."""
    session = session_of(context)
    key = objects.key_of(name)
    if not session.world.terminal:
        raise WrongUsage(
            "an editor needs a terminal", hint="kp export, and kp apply -f FILE"
        )
    state = picker(session).view()
    before = _fields(state, key)
    text = json.dumps(before, indent=2, ensure_ascii=False) + "\n"
    while True:
        text = edited_text(session, "the document.json", text, bounds.DOCUMENT)
        try:
            wanted = {name: objects.read(text.encode())}
            with picker(session).edit(dry_run=True) as tried:
                objects.put(tried.state, wanted)
            break
        except KpError as error:
            session.out.say(f"{error.message}; {error.hint}")
            typer.confirm("Edit it again?", default=True, abort=True, err=True)

    def change(state: State) -> None:
        if _fields(state, key) != before:
            raise Conflict(
                f"{name} was changed while you edited it", hint=f"kp edit {name} again"
            )
        objects.put(state, wanted)

    return edited(session, way_of(context, "edit"), change)


def _fields(state: State, key: Key) -> object:
    return objects.written(state, [key])[objects.text_of(key)]
