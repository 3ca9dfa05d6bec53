"""Bringing the index to main: feeding what is missing, or making it anew."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from kpstore.errors import Conflict, CorruptState, InvalidInput, NotFound
from kpstore.history import walk
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import Repository
from kpstore.history.index.census import IndexCensus, of_moves, of_state
from kpstore.history.index.database import Index
from kpstore.history.index.steps import Step
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.moves import Moves
from kpstore.model.state import State

Progress = Callable[[int], None]


def bring(
    path: Path, repository: Repository, main: str, progress: Progress | None = None
) -> Index:
    """Return an index that stands at `main`.

    `progress` is told each revision's number. The caller holds the site's lock.
    CorruptState when main can't be read, DiskFailure when the index can't be written.
    """
    index = Index.open(path)
    if index is not None and _caught_up(index, repository, main, progress):
        return index
    return rebuild(path, repository, main, progress)


def rebuild(
    path: Path, repository: Repository, main: str, progress: Progress | None = None
) -> Index:
    """Make the index anew from a walk over history."""
    index = Index.create(path)
    _feed(index, repository, list(walk.chain(repository, main)), progress)
    return index


def _caught_up(
    index: Index, repository: Repository, main: str, progress: Progress | None
) -> bool:
    try:
        commits = _since(repository, index.head(), main)
        if commits is None:
            return False
        _feed(index, repository, commits, progress)
    except (Conflict, CorruptState):
        return False
    return True


def _since(
    repository: Repository, head: str | None, main: str
) -> list[CommitInfo] | None:
    """Return the commits after `head`, newest first; None when main lacks it."""
    found: list[CommitInfo] = []
    for commit in walk.chain(repository, main) if head else ():
        if commit.id == head:
            return found
        found.append(commit)
    return None


def _feed(
    index: Index,
    repository: Repository,
    newest_first: list[CommitInfo],
    progress: Progress | None,
) -> None:
    index.feed_all(_steps(index, repository, newest_first), progress)


def _steps(
    index: Index, repository: Repository, newest_first: list[CommitInfo]
) -> Iterator[Step]:
    """Yield the commits oldest first; each asks the index as the one before left it.

    After a commit whose documents can't be read, the next brings the whole census.
    """
    old, is_known = Snapshot(repository, None), True
    if newest_first and (parents := newest_first[-1].parents):
        old = Snapshot(repository, parents[0])
    for commit in reversed(newest_first):
        new, line = Snapshot(repository, commit.id), walk.revision(commit)
        touched = partial(walk.places, repository, commit)
        try:
            if is_known:
                edited = State(old, changes_between(old, new))
                moves = Moves(State(old), edited, IndexCensus(index))
                step = of_moves(old.commit, line, moves)
            else:
                step = of_state(Step(old.commit, line, touched()), State(new))
            is_known = True
        except (CorruptState, InvalidInput, NotFound):
            step = Step(old.commit, line, touched(), relisted=True, anew=True)
            is_known = False
        yield step
        old = new
