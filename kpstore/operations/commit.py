"""`plan`, `commit`, `undo`, `discard`: what becomes of the caller's draft."""

from collections.abc import Collection, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from kpstore.errors import Conflict, KpError, disk_failures
from kpstore.history import drafts
from kpstore.history.draft_chain import chain, command_of
from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft import CallersDraft
from kpstore.operations.outcome import Outcome, Plan
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import carry_out
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Commit:
    """How to commit the draft.

    `plan`: the id of the only plan that may be carried out. `without`: targets to
    leave behind. `force` is the reason to make a known-bad payload default.
    """

    message: str
    plan: str | None = None
    without: Collection[str] = ()
    force: str = ""


@disk_failures("committing")
def commit(site: OpenSite, caller: Caller, wanted: Commit) -> Outcome:
    """Commit and publish the caller's draft.

    Conflict when main moved against it, or when it is no longer the plan's.
    """
    intent = caller.intent("commit", wanted.message, wanted.force)
    session, draft = Session(site, caller), CallersDraft(site, caller)
    with session.writing(finishes=True):
        main = site.main()
        proposal = Proposal(site, main, draft.merged(main))
        if wanted.plan is not None and wanted.plan != proposal.id:
            raise Conflict(
                f"plan {wanted.plan} is not what would be committed now "
                f"({proposal.id})",
                hint="main or the draft moved since: kp plan shows it anew",
            )
        manner = session.manner(without=wanted.without, force=bool(wanted.force))
        outcome = carry_out(proposal, intent, manner)
        try:
            draft.drop_read()
        except (KpError, OSError) as error:
            stays = f"the draft stays: {error}"
            return replace(outcome, warnings=[*outcome.warnings, stays])
        return outcome


@disk_failures("planning")
def plan(site: OpenSite, caller: Caller, *, looking: bool = False) -> Plan:
    """Say what committing the draft would do; checked as the commit will be.

    `looking`: a draft that no commit would take is said, and not there.
    """
    main, draft = site.main(), CallersDraft(site, caller)
    changes = draft.shown(main) if looking else draft.merged(main)
    proposal = Proposal(site, main, changes)
    return proposal.checked_plan(caller.without, caller.along, force=True, unlock=True)


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
