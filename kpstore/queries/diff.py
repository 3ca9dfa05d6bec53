"""What one commit changed, or what lies between two states, field by field."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any

from pydantic_core import to_jsonable_python

from kpstore.history.merge import ABSENT, Clash
from kpstore.history.record import Record, person_name
from kpstore.history.revisions import Revision
from kpstore.history.snapshot import Differences, Snapshot, diff, differing
from kpstore.model.documents import Document
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class FieldChange:
    """One field of one document, as JSON values; None where absent."""

    document: str
    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class FieldConflict:
    """A field that main and a draft changed differently, as JSON values.

    `name` is what `kp resolve` takes; a value is None, or a document, for a whole one.
    """

    name: str
    document: str
    field: str
    base: Any
    main: Any
    mine: Any

    @classmethod
    def of(cls, clash: Clash) -> "FieldConflict":
        """Return a clash of a merge in that form."""
        sides = (None if side is ABSENT else side for side in clash[2:])
        values = (to_jsonable_python(side, by_alias=True) for side in sides)
        return cls(clash.name, str(clash.key), clash.field, *values)


@dataclass(frozen=True)
class Shown:
    """One commit: its line in the log, its record, its state beside that before."""

    revision: Revision
    record: Record
    before: Snapshot
    after: Snapshot

    @property
    def changes(self) -> list[FieldChange]:
        """Return every field that it changed, document by document."""
        return list(_changes(diff(self.before, self.after)))

    def first(self, most: int) -> tuple[list[Key], Counter[str]]:
        """Return the first documents that it changed, and how many there are, by kind.

        No document is read, for there may be a million nodes: `fields` reads one.
        """
        counts: Counter[str] = Counter()

        def counted() -> Iterator[Key]:
            for key in differing(self.before, self.after):
                counts[key.kind] += 1
                yield key

        return nsmallest(most, counted()), counts

    def fields(self, key: Key) -> Iterator[FieldChange]:
        """Yield the fields of one document that it changed."""
        return _changes({key: (self.before.get(key), self.after.get(key))})


def show(site: OpenSite, rev: str) -> Shown:
    """Return a commit with the fields that it changed."""
    commit = site.resolve(rev)
    info = site.repository.commit(commit)
    parent = Snapshot(site.repository, info.parents[0] if info.parents else None)
    new = Snapshot(site.repository, commit)
    record = site.record(commit)
    line = Revision(
        record.revision,
        commit,
        info.time,
        person_name(info.author),
        record.op,
        record.subject,
    )
    return Shown(line, record, parent, new)


def field_changes(old: State, new: State) -> list[FieldChange]:
    """Return the fields that differ, document by document, as JSON values.

    `new` is laid over a snapshot.
    """
    found: Differences = {
        key: (old.get(key), document) for key, document in new.changes.items()
    }
    if isinstance(old.base, Snapshot) and isinstance(new.base, Snapshot):
        between = diff(old.base, new.base)
        for key in between.keys() - found.keys():
            found[key] = between[key]
    return list(_changes(found))


def _changes(differences: Differences) -> Iterator[FieldChange]:
    for key in sorted(differences):
        old, new = (fields_of(document) for document in differences[key])
        for field in sorted(old.keys() | new.keys()):
            if old.get(field) != new.get(field):
                yield FieldChange(str(key), field, old.get(field), new.get(field))


def fields_of(document: Document | None) -> dict[str, Any]:
    """Return a document as JSON values; {} where there is none."""
    if document is None:
        return {}
    fields: dict[str, Any] = document.model_dump(mode="json", by_alias=True)
    return fields
