"""What another rule for parameters makes of lines, and what is known of them then."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from kpstore.health.suspects import next_boot_of
from kpstore.health.verdicts import bad_verdict, is_good
from kpstore.model.boot import Boot
from kpstore.model.moves import Moves
from kpstore.model.params.tokens import compose
from kpstore.model.payload import Payload
from kpstore.model.state import State

_MOST: Final = 50  # lines that are said; more are counted


def remerged(moves: Moves) -> Iterator[str]:
    """Say each line that an edit of the site's rules changes, with its nodes."""
    if not moves.is_remerged:
        return
    lines = _lines(moves)
    for (what, old, new), number in islice(lines.items(), _MOST):
        yield f"{what} (nodes: {number:,}): {old!r} becomes {new!r}"
    if len(lines) > _MOST:
        yield f"and {len(lines) - _MOST:,} other lines change"
    for before, after in _entries(moves):
        if before.payload.id != after.payload.id:
            yield (
                f"{after.image}/{after.entry} was {_known(moves.old, before.payload)} "
                f"and is {_known(moves.new, after.payload)}: its payload is another"
            )


def _lines(moves: Moves) -> Counter[tuple[str, str, str]]:
    """Count nodes by entry, line before and line after; entries that none boots too."""
    found = Counter[tuple[str, str, str]]()
    pairs = [(before, after, 0) for before, after in _entries(moves)]
    for template, number in moves.templates.items():
        before, after = moves.old_boot(template), moves.new_boot(template)
        if before and after:
            pairs.append((before, after, number))
    for before, after, number in pairs:
        if before.params != after.params:
            what = f"{after.image}/{after.entry}"
            found[what, compose(before.params), compose(after.params)] += number
    return found


def _entries(moves: Moves) -> Iterator[tuple[Boot, Boot]]:
    for image in moves.new.names("image"):
        for entry in moves.new.names("entry", image):
            pair = (next_boot_of(s, image, entry) for s in (moves.old, moves.new))
            before, after = pair
            if before and after:
                yield before, after


def _known(state: State, payload: Payload) -> str:
    if bad_verdict(state, payload):
        return "known bad"
    return "known good" if is_good(state, payload) else "of no verdict"
