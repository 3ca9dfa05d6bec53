"""`kp good`, `kp bad`: what a person knows of payloads."""

from collections.abc import Callable
from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import committing
from kpcmd.context import Session
from kpcmd.errors import LAGGING, LOCKED, WrongUsage
from kpcmd.frame import alone, session_of
from kpcmd.opening import picker
from kpcmd.views.outcomes import report

_good, _bad = alone(), alone()
apps = {"good": _good, "bad": _bad}

Image = Annotated[
    str | None,
    typer.Argument(
        metavar="[IMAGE]", help="An image.", autocompletion=completion.images
    ),
]
Entry = Annotated[
    str | None,
    typer.Argument(
        metavar="[ENTRY]",
        help="One of its entries, else its default.",
        autocompletion=completion.entries,
    ),
]
Message = Annotated[
    str, typer.Option("-m", "--message", metavar="MSG", help="Say how you know.")
]
Rev = Annotated[
    str | None,
    typer.Option(
        "--rev",
        metavar="REV",
        help="As it was then.",
        autocompletion=completion.revisions,
    ),
]
All = Annotated[bool, typer.Option("--all", help="The defaults of all images.")]
Judge = Callable[..., int]


@committing(
    _good,
    "good",
    "kp good web -m 'ran the whole week'",
    "kp good --all -m 'running before kp'",
    "kp good web next --rev r41 -m 'booted on n001'",
    exits=(LAGGING, LOCKED),
)
def good(
    context: typer.Context,
    message: Message,
    image: Image = None,
    entry: Entry = None,
    rev: Rev = None,
    all_: All = False,
) -> int:
    """Say that what an entry boots works; rollback goes back to such states."""
    wanted = _wanted(session_of(context), image, entry, rev, every=all_)
    return _judge(session_of(context), "good", wanted, message)


@committing(
    _bad,
    "bad",
    "kp bad web next -m 'no network'",
    exits=(LAGGING, LOCKED),
)
def bad(
    context: typer.Context,
    message: Message,
    image: Image = None,
    entry: Entry = None,
    rev: Rev = None,
    all_: All = False,
) -> int:
    """Say that what an entry boots does not work; it is remembered by content."""
    wanted = _wanted(session_of(context), image, entry, rev, every=all_)
    return _judge(session_of(context), "bad", wanted, message)


Wanted = list[tuple[str, str | None, str | None]]


def _wanted(
    session: Session,
    image: str | None,
    entry: str | None,
    rev: str | None,
    *,
    every: bool,
) -> Wanted:
    if (image is None) != every:
        raise WrongUsage(
            "say one of IMAGE [ENTRY], --all", hint="kp good IMAGE -m MESSAGE"
        )
    if image is not None:
        return [(image, entry, rev)]
    state = picker(session).view(rev or "HEAD")
    names = [name for name in state.names("image") if state.image(name).default]
    return [(name, None, rev) for name in names]


def _judge(session: Session, verdict: str, wanted: Wanted, message: str) -> int:
    return report(session, picker(session).judge(verdict, wanted, message))
