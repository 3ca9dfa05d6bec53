"""What people write for a revision: `r42`, a commit id, `HEAD~2`, `@{a time}`."""

import re
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from kpstore.errors import CorruptState, InvalidInput, NotFound
from kpstore.history import walk
from kpstore.history.git.repository import Repository
from kpstore.history.index.database import Index
from kpstore.history.revisions import Revision
from kpstore.history.times import parse_time

_NUMBER: Final = re.compile(r"r([1-9][0-9]{0,8})")
_HEAD: Final = re.compile(r"HEAD(?:~([0-9]{1,9})?)?")
_TIME: Final = re.compile(r"@\{(.+)\}")
_PREFIX: Final = re.compile(r"[0-9a-f]{4,40}")


def resolve(
    repository: Repository, tip: str, text: str, index: Index | None = None
) -> str:
    """Return the commit on main that `text` names.

    `tip` is main's; `index` only speeds it up, when it stands at `tip`. NotFound when
    main has no such commit, InvalidInput when `text` is no revision or ambiguous.
    """
    if index is not None and index.head() != tip:
        index = None
    finder = _Finder(repository, tip, index)
    if match := _HEAD.fullmatch(text):
        steps = text.removeprefix("HEAD")
        return finder.back(int(match[1] or 1) if steps else 0)
    if match := _NUMBER.fullmatch(text):
        return finder.number(int(match[1]))
    if match := _TIME.fullmatch(text):
        return finder.at(parse_time(match[1]))
    if _PREFIX.fullmatch(text):
        return finder.commit(text)
    raise InvalidInput(
        f"{text!r} is no revision",
        hint="r42, a commit id (4 digits or more), HEAD, HEAD~2, @{2026-11-20 14:00}",
    )


class _Finder:
    """Asks the index where there is one, else walks."""

    def __init__(self, repository: Repository, tip: str, index: Index | None) -> None:
        self._repository = repository
        self._tip = tip
        self._index = index

    def back(self, steps: int) -> str:
        newest = self._newest().number
        if steps >= newest:
            raise NotFound(
                f"HEAD~{steps}: main has {newest} revisions only",
                hint="kp log lists them",
            )
        return self.number(newest - steps)

    def number(self, number: int) -> str:
        newest = self._newest().number
        if number > newest:
            raise NotFound(f"there is no r{number}", hint=f"the newest is r{newest}")
        if self._index:
            found = self._index.revision(number)
            if found:
                return found.commit
        commits = walk.chain(self._repository, self._tip)
        for commit in islice(commits, newest - number, None):
            return commit.id
        raise CorruptState(f"main says it has {newest} revisions, and r{number} is not")

    def at(self, time: int) -> str:
        if self._index:
            newest = self._index.at(time)
        else:
            lines = map(walk.revision, walk.chain(self._repository, self._tip))
            newest = next((line for line in lines if line.time <= time), None)
        if newest is None:
            shown = datetime.fromtimestamp(time, UTC).isoformat(" ")
            raise NotFound(
                f"there was no revision yet at {shown}",
                hint="kp log lists them with their times",
            )
        return newest.commit

    def commit(self, prefix: str) -> str:
        if self._index:
            found = [line.commit for line in self._index.of_commit(prefix)]
        else:
            commits = walk.chain(self._repository, self._tip)
            found = [c.id for c in commits if c.id.startswith(prefix)][:2]
        if not found:
            raise NotFound(f"main has no commit {prefix}", hint="kp log lists them")
        if len(found) > 1:
            both = " and ".join(commit[:12] for commit in found)
            raise InvalidInput(f"{prefix} is short for {both}", hint="write more of it")
        return found[0]

    def _newest(self) -> Revision:
        return walk.revision(self._repository.commit(self._tip))
