"""Where two layers of one priority contradict each other: neither has the last word."""

from collections.abc import Sequence

from kpstore.model.params.layers import Layer
from kpstore.model.params.overlay import Group, RowOf, group_of, slot_of
from kpstore.model.params.table import Row
from kpstore.model.params.tokens import INIT, compose, key_of, same, says


def tied(first: Layer, second: Layer, row_of: RowOf) -> tuple[str, str, str] | None:
    """Return a key that two layers set differently, and how; None where none is."""
    for one, other in ((first, second), (second, first)):
        for wanted in one.without:
            for token in other.params:
                if says(token, wanted):
                    return key_of(token), f"without {wanted}", token
    ours, theirs = _grouped(first, row_of), _grouped(second, row_of)
    for group in ours.keys() & theirs.keys():
        if _differ(ours[group], theirs[group], row_of(ours[group][0])):
            return " ".join(group), compose(ours[group]), compose(theirs[group])
    return None


def _grouped(layer: Layer, row_of: RowOf) -> dict[Group, list[str]]:
    found: dict[Group, list[str]] = {}
    for token in layer.params:
        if token == INIT:
            break
        found.setdefault(group_of(token, row_of(token)), []).append(token)
    return found


def _differ(ours: Sequence[str], theirs: Sequence[str], row: Row) -> bool:
    if row.kind != "append":
        return not _alike(ours, theirs)
    if not row.last_rules:
        return False
    slots = {slot_of(token, row): token for token in ours}
    pairs = ((slots.get(slot_of(token, row), token), token) for token in theirs)
    return not same(ours[-1], theirs[-1]) or not all(same(*pair) for pair in pairs)


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    return len(ours) == len(theirs) and all(map(same, ours, theirs))
