"""Changed fields, as JSON and as lines."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from kpcmd.views.outcomes import counted, summary
from kpstore.queries.diff import FieldChange, Shown

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


def folded(shown: Shown, whole: str) -> Iterator[str]:
    """Say what changed in the first documents; count the others, which `whole` shows.

    The first document is never cut.
    """
    keys, left = shown.first(_LINES)
    said = 0
    while keys:
        lines = list(change_lines(shown.fields(keys[0])))
        if said and said + len(lines) > _LINES:
            break
        said += len(lines)
        yield from lines
        left[keys.pop(0).kind] -= 1
    if left.total() > len(keys):  # of so many, those that are not at hand
        yield f"and {counted(left)}: {whole}"
    elif keys:
        yield f"and {summary([str(key) for key in keys])}: {whole}"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
