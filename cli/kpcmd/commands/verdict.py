"""`kp verdict`: what is known of payloads."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpstore.model.state import State

app = noun("What is known of payloads.")
apps = {"verdict": app}


@verb(app, "list", "kp verdict list", "kp verdict list web --json")
def list_(
    context: typer.Context,
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]", help="Of this one.", autocompletion=completion.images
        ),
    ] = None,
) -> None:
    """List the verdicts with who gave them, when and why, the newest first."""
    session = session_of(context)
    state = picker(session).view("HEAD")
    if image is not None:
        state.image(image)
    every = sorted(_verdicts(state), key=lambda each: str(each["since"]), reverse=True)
    found = [each for each in every if image in (None, each["image"])]
    rows = [
        (
            each["payload"][:12],
            session.out.paint(each["verdict"]),
            each["image"],
            each["revision"],
            each["since"],
            each["by"],
            each["reason"],
        )
        for each in found
    ]
    header = ("PAYLOAD", "VERDICT", "IMAGE", "REV", "SINCE", "BY", "WHY")
    session.out.answer(found, session.out.columns(header, rows))


def _verdicts(state: State) -> Iterator[dict[str, Any]]:
    for payload in state.names("verdict"):
        found = state.verdict(payload)
        if found is not None:
            fields = found.model_dump(mode="json")
            for image, revision in fields.pop("images").items():
                said = {"image": image, **fields, "revision": revision}
                yield {"payload": payload, **said}
