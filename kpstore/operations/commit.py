"""`plan`, `commit`, `undo`, `discard`: what becomes of the caller's draft."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from kpstore.errors import Conflict, KpError, disk_failures
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.outcome import Outcome
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
