"""Three-way merging by document and field: pure.

Lists, nested documents and artifacts are one value; mappings such as a node's
variables are merged key by key.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from kpstore.errors import Conflict
from kpstore.model.documents import Document
from kpstore.model.keys import Key
from kpstore.model.state import Changes, Documents

ABSENT: Final = object()


class Clash(NamedTuple):
    """One field that both sides changed, with its three values.

    `field` is `""` for a whole document, `vars.a` for what a mapping has. A value is
    ABSENT, a document None, where it isn't there.
    """

    key: Key
    field: str
    base: Any
    main: Any
    draft: Any

    @property
    def name(self) -> str:
        """Return how `kp resolve` calls it: `entry/web/production/params`."""
        kind, name, within = self.key
        return "/".join(filter(None, (kind, within, name, self.field)))

    def __str__(self) -> str:
        """Say it as messages do."""
        return self.said("on main", "in the draft")

    def said(self, there: str, here: str) -> str:
        """Say both values, and where each is."""
        what = f"{self.key}: {self.field}" if self.field else str(self.key)
        show = _shown if self.field else _presence
        return f"{what} is {show(self.main)} {there}, {show(self.draft)} {here}"


class MergedState(NamedTuple):
    """What to lay over main, and what can't be decided."""

    changes: dict[Key, Document | None]
    clashes: tuple[Clash, ...]


def merge(base: Documents, main: Documents, draft: Changes) -> Changes:
    """Return the draft's changes, made on `base`, as changes to `main`.

    Conflict names each document and field that both changed differently.
    """
    merged = three_way(base, main, draft)
    if merged.clashes:
        raise Conflict(
            "\n".join(str(clash) for clash in merged.clashes),
            hint="kp diff shows each with its base; kp resolve settles it",
        )
    return merged.changes


def three_way(base: Documents, main: Documents, draft: Changes) -> MergedState:
    """Merge; what both sides made the same is no change any more."""
    changes: dict[Key, Document | None] = {}
    clashes: list[Clash] = []
    for key, ours in draft.items():
        was, now = base.get(key), main.get(key)
        if ours in (was, now):
            continue
        if now == was:
            changes[key] = ours
        elif was is None or now is None or ours is None:
            clashes.append(Clash(key, "", was, now, ours))
        else:
            document, found = _document(key, was, now, ours)
            clashes += found
            if document != now:
                changes[key] = document
    return MergedState(changes, tuple(clashes))


def settled(
    base: Documents, main: Documents, ours: Documents, clashes: Iterable[Clash]
) -> dict[Key, Document | None]:
    """Return what changes in `base` once clashes are settled as `ours` has it.

    It has main's word there, so that what `ours` has instead is an edit of that.
    """
    found: dict[Key, Document | None] = {}
    for clash in clashes:
        key = clash.key
        was = found.get(key, base.get(key))
        if clash.field and was is not None and ours.get(key) is not None:
            found[key] = with_field(was, clash.field, clash.main)
        else:
            found[key] = main.get(key)
    return found


def field_of(document: Document | None, field: str) -> Any:
    """Return what a clash's field has in a document; the document for `""`."""
    if not field or document is None:
        return document
    name, dot, item = field.partition(".")
    value = getattr(document, name)
    return value.get(item, ABSENT) if dot else value


def with_field(document: Document, field: str, value: Any) -> Document:
    """Return a document with one field of a clash set; ABSENT takes it away."""
    name, dot, item = field.partition(".")
    if dot:
        items = {**getattr(document, name), item: value}
        value = {key: each for key, each in items.items() if each is not ABSENT}
    return document.model_copy(update={name: value})


def _document(
    key: Key, was: Document, now: Document, ours: Document
) -> tuple[Document, list[Clash]]:
    merged: dict[str, Any] = {}
    clashes: list[Clash] = []
    for field in type(now).model_fields:
        values = [getattr(side, field) for side in (was, now, ours)]
        if all(isinstance(value, dict) for value in values):
            merged[field], found = _mapping(key, field, *values)
            clashes += found
        else:
            value, clash = _value(key, field, *values)
            merged[field] = value
            clashes += [clash] if clash else []
    return now.model_copy(update=merged), clashes


def _mapping(
    key: Key,
    field: str,
    was: Mapping[str, Any],
    now: Mapping[str, Any],
    ours: Mapping[str, Any],
) -> tuple[dict[str, Any], list[Clash]]:
    merged: dict[str, Any] = {}
    clashes: list[Clash] = []
    for name in sorted(was.keys() | now.keys() | ours.keys()):
        values = (side.get(name, ABSENT) for side in (was, now, ours))
        value, clash = _value(key, f"{field}.{name}", *values)
        if value is not ABSENT:
            merged[name] = value
        clashes += [clash] if clash else []
    return merged, clashes


def _value(
    key: Key, field: str, was: object, now: object, ours: object
) -> tuple[Any, Clash | None]:
    if ours in (was, now):
        return now, None
    if now == was:
        return ours, None
    return now, Clash(key, field, was, now, ours)


def _presence(document: Document | None) -> str:
    return "removed" if document is None else "changed"


def _shown(value: object) -> str:
    if value is ABSENT or value is None:
        return "unset"
    if isinstance(value, tuple):
        return " ".join(_shown(part) for part in value) or "empty"
    return str(value)
