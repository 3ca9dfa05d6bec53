"""Changed fields, as JSON and as lines."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from kpstore.queries.questions import FieldChange


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


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
