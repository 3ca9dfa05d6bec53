"""Changed fields, as JSON and as lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from kpcmd.views.outcomes import by_kind, summary
from kpstore.model.folding import counted, fold
from kpstore.queries.diff import FieldChange, FieldConflict, Shown

_NODE: Final = "node "  # what names of its documents begin with
_LINES: Final = 100  # of changes, before others are only counted
_READ: Final = 1000  # documents at most: reading a million takes minutes


def change_json(change: FieldChange) -> dict[str, Any]:
    """Return the document of one changed field."""
    return {
        "document": change.document,
        "field": change.field,
        "old": change.old,
        "new": change.new,
    }


def change_lines(changes: Iterable[FieldChange]) -> Iterator[str]:
    """Say what changed, document by document; nodes that changed alike as one."""
    for documents, fields in _alike(changes):
        yield _named(documents)
        yield from _field_lines(fields)


def conflict_lines(conflicts: Iterable[FieldConflict]) -> Iterator[str]:
    """Show the three values of each field that clashes, by its name."""
    for each in conflicts:
        yield each.name
        for side, value in (
            ("base", each.base),
            ("main", each.main),
            ("mine", each.mine),
        ):
            yield f"  {side}: {_text(value)}"


def resolved_lines(
    settled: Iterable[FieldConflict], left: int, *, dry_run: bool
) -> Iterator[str]:
    """Say what conflicts became, and how many there are still."""
    for each in settled:
        yield f"{each.name}: {_text(each.mine)}"
    would = "would be " if dry_run else ""
    many = counted(left, "conflict")
    yield f"{many} {would}left: kp diff" if left else f"no conflict {would}left"


def folded(shown: Shown, whole: str) -> Iterator[str]:
    """Say what changed in the first documents; count the others, which `whole` shows.

    The first document is never cut.
    """
    keys, left = shown.first(_READ)
    changes = (change for key in keys for change in shown.fields(key))
    more: list[str] = []
    said = 0
    for documents, fields in _alike(changes):
        if more or (said and said + 1 + len(fields) > _LINES):
            more += documents
            continue
        said += 1 + len(fields)
        yield _named(documents)
        yield from _field_lines(fields)
        left.subtract(document.partition(" ")[0] for document in documents)
    if left.total() > len(more):  # of so many, those that are not at hand
        yield f"and {by_kind(left)}: {whole}"
    elif more:
        yield f"and {summary(more)}: {whole}"


def _alike(
    changes: Iterable[FieldChange],
) -> Iterator[tuple[list[str], list[FieldChange]]]:
    """Yield documents and their changed fields; nodes with the same change together.

    Nodes that come or go have their own addresses: no two are alike.
    """
    nodes: dict[tuple[str, ...], tuple[list[str], list[FieldChange]]] = {}
    documents = groupby(changes, lambda change: change.document)
    for is_node, of_kind in groupby(documents, lambda each: each[0][:5] == _NODE):
        for document, found in of_kind:
            fields = list(found)
            if is_node and all(change.field != "macs" for change in fields):
                key = tuple(_field_lines(fields))
                nodes.setdefault(key, ([], fields))[0].append(document)
            else:
                yield [document], fields
        yield from nodes.values()
        nodes.clear()


def _named(documents: Sequence[str]) -> str:
    if len(documents) == 1:
        return documents[0]
    names = fold(document.removeprefix(_NODE) for document in documents)
    return f"{counted(len(documents), 'node')}: {names}"


def _field_lines(fields: Iterable[FieldChange]) -> Iterator[str]:
    for change in fields:
        yield f"  {change.field}: {_text(change.old)} -> {_text(change.new)}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
