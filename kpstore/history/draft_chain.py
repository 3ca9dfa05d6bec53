"""A draft's commits, from its tip down to main; free of models, for `kp status`.

Each edit that kp saves is one commit on the one before it, with its command line;
a git client may push any number at once. One that settles conflicts has a second
parent: what the draft is held against from then on, which is the commit of main
below it with main's later word where that was settled.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import GitObject, Repository, id_of, new_commit

COMMITS: Final = 1000  # of one draft, that are looked through for its base
FOLDED: Final = 500  # of them that become one commit, where another would be too many

SETTLED: Final = b"what a draft is held against: its conflicts are settled\n"
_ARGV: Final = "Kp-Argv: "


class Chain(NamedTuple):
    """A draft's commits, the newest first, and the commit of main below them.

    `against` is what the draft is held against: `base`, or where conflicts were settled
    a commit beside it.
    """

    commits: Sequence[CommitInfo]
    base: str
    against: str


def chain(repository: Repository, tip: str, on_main: Callable[[str], bool]) -> Chain:
    """Walk a draft by first parents; InvalidInput where it does not build on main."""
    commits: list[CommitInfo] = []
    at = tip
    while not on_main(at):
        commits.append(repository.commit(at))
        if len(commits) > COMMITS or not commits[-1].parents:
            raise InvalidInput(
                f"{tip[:12]} does not build on main",
                hint="git fetch, git rebase origin/main, push again",
            )
        at = commits[-1].parents[0]
    return Chain(commits, at, _against(repository, commits, at))


def _against(repository: Repository, commits: Sequence[CommitInfo], base: str) -> str:
    for parent in (parent for commit in commits for parent in commit.parents[1:]):
        found = repository.commit(parent)
        if found.message == SETTLED and found.parents == (base,):
            return parent
    return base


def message_of(user: str, argv: Sequence[str]) -> bytes:
    """Return the message of a commit that kp saves."""
    said = f"\n{_ARGV}{json.dumps(list(argv))}\n" if argv else ""
    return f"draft of {user}\n{said}".encode()


def command_of(commit: CommitInfo) -> list[str]:
    """Return the words of the command that made an edit; [] where kp did not."""
    last = commit.message.decode("utf-8", "replace").rstrip("\n").split("\n")[-1]
    if last.startswith(_ARGV):
        with suppress(ValueError):
            words = json.loads(last.removeprefix(_ARGV))
            if isinstance(words, list):
                return [str(word) for word in words]
    return []


def shortened(repository: Repository, found: Chain) -> list[GitObject]:
    """Return what a draft that may not grow becomes: its oldest edits are one.

    They come with their new ids, the newest last.
    """
    size = len(found.commits) - FOLDED
    oldest = _against(repository, found.commits[size:], found.base)
    others = [commit.parents[1:] for commit in found.commits[:size]]
    others.append((oldest,) if oldest != found.base else ())
    made: list[GitObject] = []
    parent = found.base
    for commit, other in reversed(list(zip(found.commits, others, strict=False))):
        made.append(
            new_commit(
                tree=commit.tree,
                parents=[parent, *other],
                author=commit.author,
                committer=commit.author,
                time=commit.time,
                message=commit.message,
            )
        )
        parent = id_of(made[-1])
    return made
