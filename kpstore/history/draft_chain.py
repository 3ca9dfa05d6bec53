"""A draft's commits, from its tip down to main; free of models, for `kp status`.

Each edit that kp saves is one commit on the one before it, with its command line;
a git client may push any number at once.
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

_ARGV: Final = "Kp-Argv: "


class Chain(NamedTuple):
    """A draft's commits, the newest first, and the commit of main below them."""

    commits: Sequence[CommitInfo]
    base: str


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
    return Chain(commits, at)


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


def shortened(found: Chain) -> list[GitObject]:
    """Return what a draft that may not grow becomes: its oldest edits are one.

    They come with their new ids, the newest last.
    """
    kept = found.commits[: len(found.commits) - FOLDED + 1]
    made: list[GitObject] = []
    parent = found.base
    for commit in reversed(kept):
        made.append(
            new_commit(
                tree=commit.tree,
                parents=[parent],
                author=commit.author,
                committer=commit.author,
                time=commit.time,
                message=commit.message,
            )
        )
        parent = id_of(made[-1])
    return made
