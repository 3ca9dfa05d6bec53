"""Changed fields, as JSON and as lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from kpcmd.views.outcomes import summary
from kpstore.queries.diff import FieldChange

_LINES: Final = 100  # of changes, before others are only counted


def change_json(change: FieldChange) -> dict[str, Any]:
    """Return the document of one changed field."""
    return {
        "document": change.document,
        "field": change.field,
        "old": change.old,
        "new": change.new,
    }


def change_lines(changes: Iterable[FieldChange]) -> Iterator[str]:
    """Say what changed, document by document."""
    document = ""
    for change in changes:
        if change.document != document:
            document = change.document
            yield document
        yield f"  {change.field}: {_text(change.old)} -> {_text(change.new)}"


def folded(changes: Sequence[FieldChange], whole: str) -> Iterator[str]:
    """Say what changed in the first documents; count the others, which `whole` shows.

    The first document is never cut.
    """
    more: list[str] = []
    shown = 0
    for document, fields in groupby(changes, lambda change: change.document):
        lines = list(change_lines(fields))
        if more or (shown and shown + len(lines) > _LINES):
            more.append(document)
        else:
            shown += len(lines)
            yield from lines
    if more:
        yield f"and {summary(more)}: {whole}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
