"""Opening the site for verbs that need the whole of kp."""

from importlib import import_module

from kpcmd.context import Session
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Outcome
from kpstore.picker import KernelPicker

WAIT = 60.0  # seconds for the lock, unless --wait says otherwise


def caller(
    session: Session, *, wait: float = WAIT, author: str = "", ticket: str = ""
) -> Caller:
    """Return who calls, as kpstore wants to know it."""
    world = session.world

    def keep(outcome: Outcome) -> None:
        # Who commits has imported it; who looks starts the faster without.
        views = import_module("kpcmd.views.outcomes")
        session.done = views.committed(session, outcome)

    return Caller(
        user=world.user,
        host=world.host,
        argv=("kp", *session.argv),
        clock=world.clock,
        wait=wait,
        author=author,
        ticket=ticket,
        without=tuple(session.without),
        along=tuple(session.along),
        unlock=session.unlock,
        notify=session.say_once,
        doing=session.out.doing,
        shield=world.signals.shield,
        committed=keep,
    )


def picker(
    session: Session, *, wait: float = WAIT, author: str = "", ticket: str = ""
) -> KernelPicker:
    """Open the session's site."""
    whom = caller(session, wait=wait, author=author, ticket=ticket)
    opened = KernelPicker.open(session.root, whom)
    if session.weighed is not None:
        opened.only_weigh(session.weighed)
    return opened
