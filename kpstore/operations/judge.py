"""`good` and `bad`: a person says what is known of payloads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kpstore.errors import InvalidInput, disk_failures
from kpstore.health.verdicts import give
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import boot_of
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Outcome
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import carry_out
from kpstore.operations.verdict import said_by, spread
from kpstore.site.opened import OpenSite

Meant = tuple[str, str | None, str | None]
"""Image, entry (None: its default), revision (None: today's)."""


@dataclass(frozen=True)
class Judge:
    """Which payloads are `good` or `bad`, and why."""

    verdict: str
    defaults: Sequence[Meant]
    message: str


@disk_failures("judging")
def judge(site: OpenSite, caller: Caller, wanted: Judge) -> Outcome:
    """Give a verdict; InvalidInput when an image has no default."""
    session = Session(site, caller)
    with session.writing():
        main = site.main()
        new, named = State(main), set[tuple[str, str]]()
        for meant in wanted.defaults:
            entry = _give(site, new, wanted, meant, caller)
            if meant[2] is None:
                named.add((meant[0], entry))
        notes = list(spread(State(main), new, named))
        proposal = Proposal(site, main, new.changes, judges=True)
        intent = caller.intent(wanted.verdict, wanted.message)
        outcome = carry_out(proposal, intent, session.manner(publishes=False))
        return replace(outcome, notes=[*notes, *outcome.notes])


def _give(
    site: OpenSite, new: State, wanted: Judge, meant: Meant, caller: Caller
) -> str:
    """Give the verdict to one payload; return the entry that was meant."""
    image, entry, rev = meant
    commit = site.resolve(rev) if rev else site.tip()
    then = State(Snapshot(site.repository, commit))
    name = entry or then.image(image).default
    if name is None:
        raise InvalidInput(
            f"image {image} has no default", hint=f"kp {wanted.verdict} {image} ENTRY"
        )
    said = said_by(caller, f"r{site.record(commit).revision}", wanted.message, image)
    give(new, boot_of(then, image, name).payload, wanted.verdict, said)
    return name
