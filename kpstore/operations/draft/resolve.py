"""`resolve`: what clashes between the caller's draft and main is settled."""

import json
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Any, Literal

from kpstore.errors import InvalidInput, NotFound, Refused, disk_failures
from kpstore.history.merge import (
    ABSENT,
    Clash,
    field_of,
    settled,
    three_way,
    with_field,
)
from kpstore.model.documents import Document
from kpstore.model.names import missing
from kpstore.model.params.tokens import split
from kpstore.model.state import State
from kpstore.model.validation import from_json
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft, Edited
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Resolve:
    """Which conflicts to settle, by name, and whose word counts.

    `value` is one as a person types it, where it is to be neither's.
    """

    names: Sequence[str]
    take: Literal["main", "mine", "value"]
    value: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Resolved:
    """What was settled, each with the value that the draft has now; what is `left`."""

    settled: Sequence[Clash]
    left: int


@disk_failures("settling conflicts")
def resolve(site: OpenSite, caller: Caller, wanted: Resolve) -> Resolved:
    """Settle conflicts between the caller's draft and main, by an edit of the draft.

    NotFound for what is none. A dry run takes no lock and writes nothing.
    """
    with nullcontext() if wanted.dry_run else Session(site, caller).locked():
        main, mine = site.main(), CallersDraft(site, caller)
        draft, state = mine.open()
        clashes = three_way(state.base, main, draft.changes).clashes if draft else ()
        known = {clash.name: clash for clash in clashes}
        if not known:
            raise NotFound(
                "your draft has no conflict with main",
                hint="kp diff shows what it changes",
            )
        chosen = []
        for name in dict.fromkeys(wanted.names):
            if name not in known:
                raise missing("conflict", name, known)
            value = _chosen(known[name], state, wanted)
            _put(state, known[name], value)
            chosen.append(known[name]._replace(draft=value))
        if not wanted.dry_run:
            found = settled(state.base, main, state, chosen)
            mine.save(Edited(draft, state, found))
        return Resolved(chosen, len(known) - len(chosen))


def _chosen(clash: Clash, state: State, wanted: Resolve) -> Any:
    if wanted.take == "main":
        return clash.main
    if wanted.take == "mine":
        return clash.draft
    return _typed(clash, state.get(clash.key), wanted.value)


def _typed(clash: Clash, document: Document | None, text: str) -> Any:
    """Return what a person typed as a value of the clash's field.

    It is JSON where the field takes that, else parameters for a list, else plain text.
    InvalidInput says what the field may be.
    """
    name = clash.name
    if not clash.field or document is None:
        raise Refused(
            f"{name} is there as a whole or not at all: it takes no value",
            hint=f"kp resolve {name} --main, or --mine and then kp edit",
        )
    is_list = any(isinstance(side, tuple) for side in clash[2:])
    with suppress(ValueError, RecursionError):
        read = json.loads(text)
        if read is None and "." in clash.field:
            return ABSENT
        with suppress(InvalidInput):
            return _with(document, clash, read)
    return _with(document, clash, list(split(text)) if is_list else text)


def _with(document: Document, clash: Clash, value: Any) -> Any:
    """Return a field's value as the document takes it; `value` is of JSON."""
    fields = document.model_dump(mode="json", by_alias=True)
    field, dot, item = clash.field.partition(".")
    fields[field] = {**fields[field], item: value} if dot else value
    return field_of(from_json(type(document), fields, clash.name), clash.field)


def _put(state: State, clash: Clash, value: Any) -> None:
    known = state.get(clash.key)
    if clash.field and known is not None:
        value = with_field(known, clash.field, value)
    if value is not None:
        state.put(clash.key, value)
    elif known is not None:
        state.drop(clash.key)
