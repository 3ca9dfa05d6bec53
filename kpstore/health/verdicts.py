"""What is known of payloads: good is earned, bad is remembered by content."""

from collections.abc import Iterable
from dataclasses import dataclass

from kpstore.errors import NeedsConfirmation
from kpstore.model.documents import Verdict
from kpstore.model.keys import Key
from kpstore.model.payload import Payload
from kpstore.model.state import State


@dataclass(frozen=True)
class Said:
    """Who gives a verdict, when (UTC, ISO 8601), at which revision of which image."""

    by: str
    since: str
    revision: str
    reason: str
    image: str


def give(state: State, payload: Payload, verdict: str, said: Said) -> None:
    """Write a verdict (`good` or `bad`) on a payload; a later one replaces it.

    The same verdict said of another image with that payload counts for both.
    """
    known = state.verdict(payload.id)
    images = known.images if known and known.verdict == verdict else {}
    document = Verdict.model_validate(
        {
            "verdict": verdict,
            "by": said.by,
            "since": said.since,
            "revision": said.revision,
            "reason": said.reason,
            "kin": payload.kin,
            "images": {**images, said.image: said.revision},
        }
    )
    state.put(Key("verdict", payload.id), document)


def is_good(state: State, payload: Payload) -> bool:
    """Good is said of this very payload; it is never inherited by kin."""
    verdict = state.verdict(payload.id)
    return verdict is not None and verdict.verdict == "good"


def bad_verdict(state: State, payload: Payload) -> Verdict | None:
    """Return the verdict that makes a payload bad: its own, or that of its kin.

    Its own word stands above its kin's: the same kernel with a mended initrd that is
    proved good is good.
    """
    own = state.verdict(payload.id)
    if own is not None:
        return own if own.verdict == "bad" else None
    for name in state.names("verdict"):
        verdict = state.verdict(name)
        if verdict and verdict.verdict == "bad" and verdict.kin == payload.kin:
            return verdict
    return None


def proved_by_reports(state: State, payload: Payload) -> bool:
    """Tell whether nodes' reports made the payload good (its evidence counts them)."""
    verdict = state.verdict(payload.id)
    return (
        verdict is not None
        and verdict.verdict == "good"
        and bool(verdict.evidence.get("reports"))
    )


def refuse_bad(states: Iterable[State], what: str, payload: Payload) -> None:
    """NeedsConfirmation when a payload that `what` is to be is bad in a state.

    Base and new state are asked: what a commit forgets can't be what lets it pass.
    """
    found = (bad_verdict(state, payload) for state in states)
    bad = next(filter(None, found), None)
    if bad is not None:
        raise NeedsConfirmation(
            f"{what} is known bad since {bad.since} "
            f"(by {bad.by}, {bad.revision}): {bad.reason}",
            hint="if it is meant: --force REASON",
        )
