"""`revert`: what one commit changed, backwards; verdicts stay."""

from contextlib import nullcontext
from dataclasses import dataclass, replace

from kpstore.errors import InvalidInput, Refused, disk_failures
from kpstore.history.merge import merge
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.state import Changes
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import Edit
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import carry_out
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Revert:
    """Which commit to undo.

    `force` is the reason to make a known-bad payload default.
    """

    rev: str
    message: str
    dry_run: bool = False
    force: str = ""


@disk_failures("reverting")
def revert(site: OpenSite, caller: Caller, wanted: Revert) -> Edit:
    """Undo one commit and keep the later ones; Conflict where they clash.

    Verdicts stay as they are; Refused for a commit that gave nothing else.
    """
    undoing, session = _Undoing.of(site, wanted.rev), Session(site, caller)
    with nullcontext() if wanted.dry_run else session.writing(finishes=True):
        main = site.main()
        proposal = Proposal(site, main, undoing.over(main))
        made = Edit(proposal.new)
        if wanted.dry_run:
            made.plan = proposal.checked_plan(
                caller.without,
                caller.along,
                force=bool(wanted.force),
                unlock=caller.unlock,
            )
            return made
        intent = caller.intent(
            "revert", wanted.message, wanted.force, reverts=undoing.number
        )
        manner = session.manner(force=bool(wanted.force))
        outcome = carry_out(proposal, intent, manner)
        notes = [*undoing.notes, *outcome.notes]
        made.outcome = replace(outcome, notes=notes)
        return made


@dataclass(frozen=True)
class _Undoing:
    """One commit's changes backwards; `number` is its revision."""

    number: str
    notes: tuple[str, ...]
    _undone: Snapshot
    _backwards: Changes

    @classmethod
    def of(cls, site: OpenSite, rev: str) -> "_Undoing":
        """Look at a commit; Refused where there is nothing that can be undone.

        A verdict is no part of what is undone: what was found of a payload stays.
        """
        commit = site.resolve(rev)
        parents = site.repository.commit(commit).parents
        number = f"r{site.record(commit).revision}"
        if not parents:
            raise InvalidInput(
                "the first commit can't be undone",
                hint="kp rollback IMAGE --to REV takes an image back",
            )
        undone = Snapshot(site.repository, commit)
        whole = changes_between(undone, Snapshot(site.repository, parents[0]))
        rest = {key: old for key, old in whole.items() if key.kind != "verdict"}
        notes: tuple[str, ...] = ()
        if len(rest) < len(whole):
            if not rest:
                raise Refused(
                    f"{number} gave a verdict: a revert takes none back",
                    hint="kp good IMAGE or kp bad IMAGE says what is right now",
                )
            notes = (f"the verdict of {number} stays: kp good takes a bad one back",)
        return cls(number, notes, undone, rest)

    def over(self, main: Snapshot) -> Changes:
        """Return what undoes it on main; Conflict where later commits clash."""
        return merge(self._undone, main, self._backwards)
