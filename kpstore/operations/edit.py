"""`edit`: a block of a program changes a state, which goes into a draft or to main."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from kpstore.history.merge import merge
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.outcome import Edit, Plan
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import carry_out
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Editing:
    """How to edit: into the draft, or with `message` main itself, at once.

    `op` goes into the record. `beside_draft`: the draft is not looked at. `force` is
    the reason to have a known-bad payload booted. A dry run takes no lock and writes
    nothing.
    """

    message: str | None = None
    op: str = "edit"
    dry_run: bool = False
    force: str = ""
    beside_draft: bool = False


@contextmanager
def edit(site: OpenSite, caller: Caller, wanted: Editing) -> Iterator[Edit]:
    """Edit the caller's draft or main.

    With a message the edit is made under the lock on main as it is then, beside the
    draft: Conflict where both set one field to different values, unless `beside_draft`.
    """
    if wanted.message is None:
        with _draft_edit(site, caller, wanted) as made:
            yield made
        return
    session, draft = Session(site, caller), CallersDraft(site, caller)
    with nullcontext() if wanted.dry_run else session.writing(finishes=True):
        main = site.main()
        made = Edit(State(main))
        yield made
        if not wanted.beside_draft:
            draft.refuse_clashing(main, made.state.changes)
        proposal = Proposal(site, main, made.state.changes)
        if wanted.dry_run:
            made.plan = _planned(proposal, caller, wanted)
        else:
            manner = session.manner(force=bool(wanted.force))
            intent = caller.intent(wanted.op, wanted.message, wanted.force)
            made.outcome = carry_out(proposal, intent, manner)


@contextmanager
def _draft_edit(site: OpenSite, caller: Caller, wanted: Editing) -> Iterator[Edit]:
    main, mine = site.main(), CallersDraft(site, caller)
    draft, state = mine.open()
    made = Edit(state)
    yield made
    edited = mine.edited(draft, state, main)
    if wanted.dry_run:
        merged = merge(edited.base, main, edited.changes)
        made.plan = _planned(Proposal(site, main, merged), caller, wanted)
    elif edited.is_new:
        with Session(site, caller).locked():
            mine.save(edited)


def _planned(proposal: Proposal, caller: Caller, wanted: Editing) -> Plan:
    return proposal.checked_plan(
        caller.without,
        caller.along,
        force=bool(wanted.force),
        unlock=caller.unlock,
    )
