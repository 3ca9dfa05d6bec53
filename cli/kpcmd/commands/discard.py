"""`kp discard`: the draft goes."""

import typer

from kpcmd.arguments.paths import tidied
from kpcmd.context import Done
from kpcmd.errors import LOCKED, OK
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker

app = alone()
apps = {"discard": app}


@verb(app, "discard", "kp discard", exits=(LOCKED,))
def discard(context: typer.Context) -> int:
    """Drop your draft; main and the targets stay as they are."""
    session = session_of(context)
    with tidied(session):
        gone = picker(session).discard()
        text = "the draft is dropped" if gone else "there was no draft"
        return session.finish(Done(text, OK, {"discarded": gone}, [text]))
