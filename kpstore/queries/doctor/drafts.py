"""The drafts, whoever wrote them."""

from collections.abc import Iterator

from kpstore.errors import KpError
from kpstore.history import drafts as kept
from kpstore.history import owners
from kpstore.model.folding import counted
from kpstore.queries.doctor.contract import Advice, Visit


def drafts(visit: Visit) -> Iterator[Advice]:
    """Read every draft, saved ones too."""
    repository, tip = visit.site.repository, visit.site.tip()
    for ref in owners.strays(repository):
        text = f"{ref!r} is no user's draft, and is not read"
        yield Advice("drafts", "note", text, f"take it out of {repository.path}")
    for user, name in owners.every(repository):
        try:
            draft = kept.load(repository, user, tip, name)
        except KpError as error:
            yield Advice("drafts", "note", error.message, error.hint)
        else:
            number = len(draft.changes) if draft else 0
            saved = f", saved as {name}" if name else ""
            edits = counted(number, "edit")
            yield Advice("drafts", "ok", f"{user} has {edits}{saved}")
