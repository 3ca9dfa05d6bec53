"""`undo` and `discard`: the newest edit of the caller's draft goes, or all of it."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from kpstore.errors import disk_failures
from kpstore.history import drafts
from kpstore.history.draft_chain import chain, command_of
from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Undone:
    """An edit that was taken back: the draft `with_it`, and as it is `without`.

    `command` has the words that made it, where kp did. `left` counts the edits before.
    """

    with_it: State
    without: State
    command: Sequence[str]
    left: int


@disk_failures("taking an edit back")
def undo(site: OpenSite, caller: Caller, *, dry_run: bool = False) -> Undone | None:
    """Take back the newest edit of the caller's draft; None when there is none.

    A dry run takes no lock and writes nothing. See `drafts.load` for what it raises.
    """
    with nullcontext() if dry_run else Session(site, caller).locked():
        draft = CallersDraft(site, caller).read()
        if draft is None:
            return None
        commits = chain(site.repository, draft.commit, site.on_main).commits
        before = commits[0].parents[0]
        if not dry_run:
            now = int(caller.clock())
            drafts.undo(site.repository, draft, time=now, host=caller.host)
        return Undone(
            State(Snapshot(site.repository, draft.commit)),
            State(Snapshot(site.repository, before)),
            command_of(commits[0]),
            len(commits) - 1,
        )


def discard(site: OpenSite, caller: Caller) -> bool:
    """Drop the caller's draft; tell whether there was one."""
    with Session(site, caller).locked():
        return CallersDraft(site, caller).drop()
