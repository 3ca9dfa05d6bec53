"""`plan`: what committing would do, checked as the commit will be. Writes nothing."""

from kpstore.errors import disk_failures
from kpstore.operations.caller import Caller
from kpstore.operations.draft import CallersDraft
from kpstore.operations.outcome import Plan
from kpstore.operations.proposal import Proposal
from kpstore.site.opened import OpenSite


@disk_failures("planning")
def plan(site: OpenSite, caller: Caller, *, looking: bool = False) -> Plan:
    """Say what committing the draft would do.

    `looking`: a draft that no commit would take is said, and not there.
    """
    main, draft = site.main(), CallersDraft(site, caller)
    changes = draft.shown(main) if looking else draft.merged(main)
    return checked_plan(Proposal(site, main, changes), caller, force=True)


@disk_failures("planning")
def checked_plan(proposal: Proposal, caller: Caller, *, force: bool) -> Plan:
    """Hold a proposal to the invariants and say what it would do.

    `force`: a known-bad default is no reason to refuse.
    """
    proposal.check(force=force)
    return proposal.plan(caller.without, caller.along)
