"""`kp at`: what a node or an image booted at a time."""

from collections.abc import Sequence
from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.times import written
from kpcmd.errors import WrongUsage
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.entries import shown_json, shown_lines
from kpcmd.views.revisions import revision_json, revision_line
from kpstore.errors import InvalidInput
from kpstore.model.state import State
from kpstore.picker import KernelPicker
from kpstore.queries.entry import EntryShown, shown_entry
from kpstore.site.reader import Revision

app = alone()
apps = {"at": app}


@verb(
    app,
    "at",
    "kp at r41 --image web",
    "kp at '2026-11-20 14:00' --node n042",
)
def at(
    context: typer.Context,
    when: Annotated[
        str,
        typer.Argument(
            metavar="TIME-or-REV",
            help="r42, or a time (UTC unless it says a zone).",
            autocompletion=completion.revisions,
        ),
    ],
    node: Annotated[
        str | None,
        typer.Option(
            "--node", metavar="N", help="A node.", autocompletion=completion.nodes
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image", metavar="I", help="An image.", autocompletion=completion.images
        ),
    ] = None,
) -> None:
    """Show what a node, or an image's default, was to boot at a time."""
    session = session_of(context)
    if (node is None) == (image is None):
        raise WrongUsage(
            "say one of --node N, --image I", hint="kp at REV --image IMAGE"
        )
    opened = picker(session)
    rev = _revision(opened, when)
    number = opened.site.record(rev).revision
    entry, reason, last = _booted(opened, opened.view(rev), number, node, image)
    document = {
        "revision": f"r{number}",
        "commit": rev,
        "reason": reason,
        "entry": shown_json(entry) if entry else None,
        "last": [revision_json(line) for line in last],
    }
    lines = [f"r{number}: {reason}"]
    lines += shown_lines(session, entry) if entry else ()
    session.out.answer(document, [*lines, *map(revision_line, last)])


def _revision(opened: KernelPicker, when: str) -> str:
    try:
        return opened.site.resolve(when)
    except InvalidInput:  # no revision: a time, bare
        written(when)
        return opened.site.resolve(f"@{{{when}}}")


def _booted(
    opened: KernelPicker, state: State, number: int, node: str | None, image: str | None
) -> tuple[EntryShown | None, str, Sequence[Revision]]:
    if node is not None:
        why = opened.why(state, node, number)
        return why.entry, why.reason, why.last
    assert image is not None
    default = state.image(image).default
    if default is None:
        return None, f"image {image} had no default", ()
    return shown_entry(state, image, default, None), f"default of image {image}", ()
