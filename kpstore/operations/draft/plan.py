"""`plan`: what committing the caller's draft would do."""

from kpstore.errors import disk_failures
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.outcome import Plan
from kpstore.operations.proposal import Proposal
from kpstore.site.opened import OpenSite


@disk_failures("planning")
def plan(site: OpenSite, caller: Caller, *, looking: bool = False) -> Plan:
    """Say what committing the draft would do; checked as the commit will be.

    `looking`: a draft that no commit would take is said, and not there.
    """
    main, draft = site.main(), CallersDraft(site, caller)
    changes = draft.shown(main) if looking else draft.merged(main)
    proposal = Proposal(site, main, changes)
    return proposal.checked_plan(caller.without, caller.along, force=True, unlock=True)
