"""Changing what a layer says: tokens are added to it, taken from it, one by one."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypedDict

from kpstore.errors import InvalidInput
from kpstore.model.params.layers import Layer
from kpstore.model.params.overlay import Group, group_of, slot_of
from kpstore.model.params.rules import Rules
from kpstore.model.params.table import Row
from kpstore.model.params.tokens import COPIED, INIT, compose, key_of, same, says

_MARKS: Final = (COPIED, INIT)


class Tokens(TypedDict, total=False):
    """What of a layer is to be other than it is, in the order in which it is done.

    Those to remove, to be without and no more may be keys. Those to add are said
    then, and what they contradict in the layer gives way; those to append come after
    the others of their key, whatever its kind.
    """

    remove_params: Sequence[str]
    with_params: Sequence[str]
    without_params: Sequence[str]
    add_params: Sequence[str]
    append_params: Sequence[str]


class Worded(NamedTuple):
    """What a layer says then, what is worth a word, what was to go and isn't there."""

    layer: Layer
    notes: list[str]
    unsaid: list[str]


def reworded(layer: Layer, tokens: Tokens, rules: Rules) -> Worded:
    """Change what a layer says; InvalidInput for what it isn't without."""
    params, notes = layer.params, list[str]()
    removed = tokens.get("remove_params", ())
    unsaid = [each for each in removed if not _said(each, params)]
    params = tuple(t for t in params if not any(says(t, each) for each in removed))
    without = _without(layer, tokens)
    for each in tokens.get("without_params", ()):
        if _said(each, params):
            notes.append(f"{each} is said here too, and stays: --remove-param {each}")
    params = _added(layer._replace(params=params), tokens, rules, notes)
    for token in tokens.get("append_params", ()):
        params = _appended(params, token, rules)
    return Worded(Layer(layer.origin, params, without), notes, unsaid)


def _said(wanted: str, params: Iterable[str]) -> bool:
    return any(says(token, wanted) for token in params)


def _without(layer: Layer, tokens: Tokens) -> tuple[str, ...]:
    without = layer.without
    for each in tokens.get("with_params", ()):
        if not _has(each, without):
            raise InvalidInput(
                f"{layer.origin} takes no {each!r} away",
                hint=f"it is without {compose(without) or 'nothing'}",
            )
        without = tuple(known for known in without if not same(known, each))
    for each in tokens.get("without_params", ()):
        without = without if _has(each, without) else (*without, each)
    return without


def _has(token: str, tokens: Iterable[str]) -> bool:
    return any(same(token, each) for each in tokens)


def _added(
    layer: Layer, tokens: Tokens, rules: Rules, notes: list[str]
) -> tuple[str, ...]:
    """Lay what is added over the layer, or put it at its end; twice is once."""
    said = [each for each in tokens.get("add_params", ()) if each not in _MARKS]
    parts = _parts(said, layer.params, rules)
    added = tuple(token for part in parts for token in part)
    rules.check_layer(layer._replace(params=added, without=()))
    params = layer.params
    for part in parts:
        row = rules.row_of(part[0])
        if row.kind == "append":
            params = _put_last(params, part[0], row, notes)
        else:
            params = _laid(layer._replace(params=params), part, rules, notes)
    for mark in _MARKS:
        if mark in tokens.get("add_params", ()) and mark not in params:
            params = _appended(params, mark, rules)
    return params


def _parts(said: Iterable[str], known: Sequence[str], rules: Rules) -> list[list[str]]:
    """Return what is added together, in the order of its first: each key, each set.

    Of an `append` key each by itself, without those of `known`.
    """
    parts: dict[Group, list[str]] = {}
    for token in said:
        row = rules.row_of(token)
        if row.kind == "append":
            beside = (*known, *(each for part in parts.values() for each in part))
            if not _has(token, beside):
                parts["", token] = [token]
            continue
        part = parts.setdefault(group_of(token, row), [])
        if row.kind == "together" or not _has(token, part):
            part.append(token)
    return [*parts.values()]


def _laid(
    layer: Layer, part: Sequence[str], rules: Rules, notes: list[str]
) -> tuple[str, ...]:
    above = layer._replace(params=tuple(part), without=())
    line = rules.merge([layer._replace(without=()), above])
    notes += [
        f"{gone.token} gave way to {compose(gone.gave_way_to)}"
        for gone in line.replaced
    ]
    return line.tokens


def _put_last(
    params: tuple[str, ...], token: str, row: Row, notes: list[str]
) -> tuple[str, ...]:
    """Put an `append` key's token at the end, in place of one of the same slot."""
    end = _index(params, INIT)
    gone = [
        known
        for known in params[:end]
        if key_of(known) == key_of(token) and slot_of(known, row) == slot_of(token, row)
    ]
    notes += [f"{known} gave way to {token}" for known in gone]
    kept = tuple(known for known in params[:end] if known not in gone)
    at = _index(kept, COPIED)
    return (*kept[:at], token, *kept[at:], *params[end:])


def _appended(params: tuple[str, ...], token: str, rules: Rules) -> tuple[str, ...]:
    """Put a token after the others of its key; where it is the last, it stays."""
    group = group_of(token, rules.row_of(token))
    end = _index(params, INIT)
    places = [at for at in range(end) if key_of(params[at]) in group]
    if token == INIT:
        return params if token in params else (*params, token)
    at = places[-1] + 1 if places else _index(params[:end], COPIED)
    if places and same(params[places[-1]], token):
        return params
    return (*params[:at], token, *params[at:])


def _index(params: Sequence[str], mark: str) -> int:
    return params.index(mark) if mark in params else len(params)
