"""Main's history without an index: slower, and right."""

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from kpstore.errors import CorruptState
from kpstore.history import record
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import Repository
from kpstore.history.revisions import Query, Revision, touched

_TURNS: Final = "kpstore.history.turns"


def chain(repository: Repository, tip: str | None) -> Iterator[CommitInfo]:
    """Walk from `tip` to the first commit; CorruptState at a merge commit."""
    while tip is not None:
        commit = repository.commit(tip)
        if len(commit.parents) > 1:
            raise CorruptState(
                f"commit {tip[:12]} on main is a merge, which kp never writes",
                hint="kp doctor says how to mend it",
            )
        yield commit
        tip = commit.parents[0] if commit.parents else None


def revision(commit: CommitInfo) -> Revision:
    """Return a commit's line in the history; CorruptState unless kp wrote it."""
    said = record.parse(commit.message)
    return Revision(
        number=said.revision,
        commit=commit.id,
        time=commit.time,
        author=record.person_name(commit.author),
        op=said.op,
        subject=said.subject,
    )


def revisions(repository: Repository, tip: str | None, query: Query) -> list[Revision]:
    """Return the revisions that a query asks for, newest first."""
    found: list[Revision] = []
    for commit in chain(repository, tip):
        if query.limit is not None and len(found) >= query.limit:
            break
        line = revision(commit)
        if query.fits(line) and _touches(repository, commit, query):
            found.append(line)
    return found


def places(repository: Repository, commit: CommitInfo) -> set[tuple[str, str, str]]:
    """Return what a commit touched, by comparing it with its parent."""
    parent = commit.parents[0] if commit.parents else None
    old = repository.commit(parent).tree if parent else None
    return touched(repository, old, commit.tree)


def on_chain(repository: Repository, tip: str, commit: str) -> bool:
    """Tell whether main, at `tip`, contains a commit.

    A commit that claims to be r40 is looked for 60 steps below r100, no further.
    """
    return revision_of(repository, tip, commit) is not None


def revision_of(repository: Repository, tip: str, commit: str) -> int | None:
    """Return the number of a commit on main's chain, or None.

    CorruptState when the tip was not written by kp.
    """
    newest = revision(repository.commit(tip)).number
    try:
        claimed = revision(repository.commit(commit)).number
    except CorruptState:  # not kp's, or not here
        return None
    for number, found in zip(
        range(newest, claimed - 1, -1), chain(repository, tip), strict=False
    ):
        if found.id == commit:
            return number
    return None


def _touches(repository: Repository, commit: CommitInfo, query: Query) -> bool:
    if not query.touches and query.node is None:
        return True
    found = places(repository, commit)
    if not all(any(touch.fits(place) for place in found) for touch in query.touches):
        return False
    if query.node is None:
        return True
    # It brings the models, which whoever has an index need not wait for.
    is_of: bool = import_module(_TURNS).changed(repository, commit, found, query.node)
    return is_of
