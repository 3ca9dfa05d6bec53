"""`kp at`: what a node or an image booted at a time."""

from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.times import written
from kpcmd.errors import WrongUsage
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.entries import shown_json, shown_lines
from kpstore.errors import InvalidInput
from kpstore.picker import KernelPicker
from kpstore.queries.entry import EntryShown, shown_entry

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
    entry, reason = _booted(opened, rev, node, image)
    revision = f"r{opened.site.record(rev).revision}"
    document = {
        "revision": revision,
        "commit": rev,
        "reason": reason,
        "entry": shown_json(entry) if entry else None,
    }
    lines = [f"{revision}: {reason}"]
    session.out.answer(
        document, [*lines, *(shown_lines(session, entry) if entry else ())]
    )


def _revision(opened: KernelPicker, when: str) -> str:
    try:
        return opened.site.resolve(when)
    except InvalidInput:  # no revision: a time, bare
        written(when)
        return opened.site.resolve(f"@{{{when}}}")


def _booted(
    opened: KernelPicker, rev: str, node: str | None, image: str | None
) -> tuple[EntryShown | None, str]:
    state = opened.view(rev)
    if node is not None:
        why = opened.why(state, node)
        return why.entry, why.reason
    assert image is not None
    default = state.image(image).default
    if default is None:
        return None, f"image {image} had no default"
    return shown_entry(state, image, default, None), f"default of image {image}"
