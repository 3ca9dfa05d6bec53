"""`edit`: a block of a program changes a state, which goes into a draft or to main."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft import CallersDraft
from kpstore.operations.outcome import Edit
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
    if wanted.message is None and not wanted.dry_run:
        with _draft_edit(site, caller) as made:
            yield made
        return
    session, draft = Session(site, caller), CallersDraft(site, caller)
    with nullcontext() if wanted.dry_run else session.writing(finishes=True):
        main = site.main()
        drafted = draft.merged(main) if wanted.message is None else None
        made = Edit(State(main, drafted))
        yield made
        if not (wanted.beside_draft or wanted.message is None):
            draft.refuse_clashing(main, made.state.changes)
        proposal = Proposal(site, main, made.state.changes)
        if wanted.dry_run:
            made.plan = proposal.checked_plan(
                caller.without,
                caller.along,
                force=bool(wanted.force),
                unlock=caller.unlock,
            )
        else:
            manner = session.manner(force=bool(wanted.force))
            intent = caller.intent(wanted.op, wanted.message or "", wanted.force)
            made.outcome = carry_out(proposal, intent, manner)


@contextmanager
def _draft_edit(site: OpenSite, caller: Caller) -> Iterator[Edit]:
    mine = CallersDraft(site, caller)
    draft, state = mine.open()
    yield Edit(state)
    if state.changes == (draft.changes if draft else {}):
        return
    with Session(site, caller).locked():
        mine.save(draft, state)
