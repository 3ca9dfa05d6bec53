"""What must be kept for the way back."""

from collections.abc import Iterator

from histories.documents import (
    State,
    laid,
    names,
)
from histories.model import GRACE, KNOWN_GOOD, Model
from histories.rules import default_payload


def needed(model: Model, now: float) -> Iterator[State]:
    """The states whose artifacts must be in the store."""
    yield model.main
    for draft in model.drafts.values():
        for against, changes in (*draft.before, (draft.against, draft.changes)):
            yield laid(against, changes)
    newest = model.tip.number
    for revision in reversed(model.history):
        if newest and model.history[newest - 1].time >= now - GRACE:
            yield revision.state  # it was main within the grace time
        newest = revision.number
    for goods in good_payloads(model).values():
        for number, _ in goods:
            yield model.at(number)


def good_payloads(model: Model) -> dict[str, list[tuple[int, str]]]:
    """Of each image: where it has its newest good payloads, and their ids.

    Good is said of content: of an image that was told so, or had it as its default.
    """
    main, found = model.main, {}
    good = {k[1]: doc for k, doc in main.items() if k[0] == "verdict"}
    good = {payload: doc for payload, doc in good.items() if doc["verdict"] == "good"}
    for image in names(main, "image"):
        at = {
            p: int(d["images"][image][1:])
            for p, d in good.items()
            if image in d["images"]
        }
        for revision in model.history:
            payload = _default(model, revision.number, image)
            if payload in good:
                at[payload] = revision.number
        lines = sorted((good[p]["since"], p, number) for p, number in at.items())
        found[image] = [(number, p) for _, p, number in lines[::-1][:KNOWN_GOOD]]
    return found


def goods(model: Model, made: list[tuple[int, float]]) -> Iterator[int]:
    """Of a place's generations: the newest of each good payload, as a default."""
    for image, lines in good_payloads(model).items():
        for _, payload in lines:
            having = [n for n, _ in made if _default(model, n, image) == payload]
            yield from having[-1:]


def _default(model: Model, number: int, image: str) -> str:
    found = default_payload(model.at(number), image)
    return found[0] if found else ""
