"""Table 2: each key by its kind. Of one layer the line is as it was typed."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kpstore.model.params.layers import Layer, Line, Merged, Replaced
from kpstore.model.params.table import Row
from kpstore.model.params.tokens import COPIED, INIT, key_of, same, says, value_of

RowOf = Callable[[str], Row]

Group = tuple[str, ...]


def merge(layers: Iterable[Layer], row_of: RowOf) -> Line:
    """Lay the layers over each other."""
    line = _Line([], [], [])
    for layer in layers:
        line = _lay(line, layer, row_of)
    return Line((*line.kernel, *line.init), tuple(line.replaced))


def group_of(token: str, row: Row) -> Group:
    """Return the keys that share a place in the line: a set, or the token's own."""
    return row.keys if row.kind == "together" else (key_of(token),)


def slot_of(token: str, row: Row) -> str | None:
    """Return what tokens of an `append` key differ in: the value; a console's device.

    Linux keeps the options of a device's first mention.
    """
    value = value_of(token)
    return value.partition(",")[0] if value and row.last_rules else value


class _Line(NamedTuple):
    """A line: the kernel's part with the mark `---` in it, and init's from `--` on."""

    kernel: list[Merged]
    init: list[Merged]
    replaced: list[Replaced]


def _lay(below: _Line, layer: Layer, row_of: RowOf) -> _Line:
    said = [Merged(token, layer.origin) for token in layer.params]
    at = _index(said, INIT)
    above, init = said[:at], said[at:]
    kept, replaced = _without(below, layer)
    kernel, placed = _placed(kept.kernel, above, row_of, replaced)
    rest = [each for each in above if each not in placed]
    at = _index(rest, COPIED)
    before, after = rest[:at], rest[at:]
    mark = _index(kernel, COPIED)
    return _Line(
        [*kernel[:mark], *before, *kernel[mark:], *after[mark < len(kernel) :]],
        [*kept.init, *(init[1:] if kept.init else init)],
        [*below.replaced, *replaced],
    )


def _index(line: Sequence[Merged], mark: str) -> int:
    """Return where a mark stands first, else the end."""
    found = (at for at, each in enumerate(line) if each.token == mark)
    return next(found, len(line))


def _without(below: _Line, layer: Layer) -> tuple[_Line, list[Replaced]]:
    """Take away what the layer is without; with `--` goes all that follows it."""
    kernel, init = below.kernel, below.init
    gone: list[Merged] = []
    for wanted in layer.without:
        gone += [each for each in kernel if says(each.token, wanted)]
        kernel = [each for each in kernel if not says(each.token, wanted)]
        if wanted == INIT:
            gone, init = [*gone, *init], []
    replaced = [Replaced(*each, layer.origin) for each in gone]
    return _Line(kernel, init, below.replaced), replaced


def _placed(
    below: list[Merged],
    above: Sequence[Merged],
    row_of: RowOf,
    replaced: list[Replaced],
) -> tuple[list[Merged], list[Merged]]:
    """Put what has a place below there; return the line, and what was placed."""
    groups = _grouped(above, row_of)
    of_key = {key: group for group in groups for key in group}
    there: dict[Group, list[int]] = {}
    for at, each in enumerate(below):
        if group := of_key.get(key_of(each.token)):
            there.setdefault(group, []).append(at)
    coming: dict[int, list[Merged]] = {}
    gone: set[int] = set()
    for group, places in there.items():
        tokens, row = groups[group], row_of(groups[group][0].token)
        place = places[-1] + 1 if row.kind == "append" else places[0]
        coming.setdefault(place, []).extend(tokens)
        going = [at for at in places if _gives_way(below[at], tokens, row)]
        replaced += _lost([below[at] for at in going], tokens)
        gone.update(going)
    line: list[Merged] = []
    for at, each in enumerate(below):
        line += coming.get(at, ())
        line += [] if at in gone else [each]
    line += coming.get(len(below), ())
    return line, [each for tokens in coming.values() for each in tokens]


def _grouped(above: Sequence[Merged], row_of: RowOf) -> dict[Group, list[Merged]]:
    groups: dict[Group, list[Merged]] = {}
    for each in above:
        if each.token != COPIED:
            group = group_of(each.token, row_of(each.token))
            groups.setdefault(group, []).append(each)
    return groups


def _gives_way(below: Merged, tokens: Sequence[Merged], row: Row) -> bool:
    if row.kind != "append":
        return True
    slots = {slot_of(each.token, row) for each in tokens}
    return slot_of(below.token, row) in slots


def _lost(gone: Iterable[Merged], tokens: Sequence[Merged]) -> list[Replaced]:
    """Name what is said no more: not what the layer says again."""
    new = tuple(each.token for each in tokens)
    return [
        Replaced(*each, tokens[0].origin, new)
        for each in gone
        if not any(same(each.token, token) for token in new)
    ]
