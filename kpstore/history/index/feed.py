"""Bringing the index to main: feeding what is missing, or making it anew."""

from collections.abc import Callable, Iterator
from pathlib import Path

from kpstore.errors import Conflict, CorruptState
from kpstore.history import walk
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import Repository
from kpstore.history.index.census import filling
from kpstore.history.index.database import Index
from kpstore.history.index.steps import Step
from kpstore.history.snapshot import Snapshot
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
    commits = list(walk.chain(repository, main))
    index.feed_all(_steps(repository, commits, anew=True), progress)
    return index


def _caught_up(
    index: Index, repository: Repository, main: str, progress: Progress | None
) -> bool:
    try:
        head = index.head()
        commits = _since(repository, head, main)
        if commits is None:
            return False
        anew = _census_differs(repository, head, main)
        index.feed_all(_steps(repository, commits, anew=anew), progress)
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


def _steps(
    repository: Repository, newest_first: list[CommitInfo], *, anew: bool
) -> Iterator[Step]:
    """Yield the commits oldest first; the newest brings the whole census if `anew`."""
    for commit in reversed(newest_first):
        parent = commit.parents[0] if commit.parents else None
        touched = walk.places(repository, commit)
        step = Step(parent, walk.revision(commit), touched)
        if anew and commit is newest_first[0]:
            nodes, held = filling(State(Snapshot(repository, commit.id)))
            step = step._replace(nodes=nodes, taken=held, anew=True)
        yield step


def _census_differs(repository: Repository, old: str | None, new: str) -> bool:
    before, after = Snapshot(repository, old), Snapshot(repository, new)
    parts = ("nodes", "groups", "site.json")
    return any(before.subtree(part) != after.subtree(part) for part in parts)
