"""Making documents from plain values, with errors that name the field."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from kpstore.errors import InvalidInput
from kpstore.model.documents import Document

_D = TypeVar("_D", bound=Document)


def make(model: type[_D], fields: Mapping[str, Any], where: str) -> _D:
    """Return a document; InvalidInput names `where`, the field and the value."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        raise explain(error, where) from None


def from_json(model: type[_D], fields: Mapping[str, Any], where: str) -> _D:
    """Return a document of JSON values, whose lists are tuples here; see `make`."""
    try:
        return model.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise explain(error, where) from None


def replace(document: _D, fields: Mapping[str, Any], where: str) -> _D:
    """Return the document with fields replaced, validated as a whole."""
    values = {name: getattr(document, name) for name in type(document).model_fields}
    return make(type(document), {**values, **fields}, where)


def explain(error: ValidationError, where: str) -> InvalidInput:
    """Say pydantic's first three problems in kp's words."""
    problems = [_problem(problem) for problem in error.errors()[:3]]
    return InvalidInput(
        f"{where}: {'; '.join(problems)}", hint="kp schema says what each field may be"
    )


def _problem(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"unknown key {field!r}"
    if problem["type"] == "string_pattern_mismatch":
        return f"{field} {problem['input']!r} is not allowed here"
    return f"{field}: {problem['msg']}"
