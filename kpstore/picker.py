"""`KernelPicker`, the facade: the verbs of kp for programs.

```python
picker = KernelPicker.open(Path("/var/lib/kp"), caller)
with picker.edit("web: try the second kernel") as edit:
    entries.add(edit.state, "web", "next", {"kernel": "6.2"}, default=True)
print(edit.outcome)
```
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kpstore.artifacts.weighing import WeighingStore
from kpstore.errors import Conflict, KpError, disk_failures
from kpstore.history.revisions import Query, Revision
from kpstore.history.snapshot import Snapshot
from kpstore.kernels.intake import Intake
from kpstore.model.documents import Site
from kpstore.model.keys import Key
from kpstore.model.state import Empty, State
from kpstore.operations.adopt import adopt
from kpstore.operations.caller import Caller
from kpstore.operations.draft import CallersDraft
from kpstore.operations.gc import Collected, gc
from kpstore.operations.outcome import Outcome, Plan, TargetOutcome
from kpstore.operations.proposal import Proposal
from kpstore.operations.publish import Publish, publish
from kpstore.operations.revert import Undoing
from kpstore.operations.rollback import Restoring, Rollback
from kpstore.operations.session import Session
from kpstore.operations.transaction import Transaction, carry_out
from kpstore.operations.verdict import judge
from kpstore.queries.doctor.examine import Checkup
from kpstore.queries.questions import Questions
from kpstore.queries.verify import Verified, verify
from kpstore.site.opened import OpenSite

_ALL: Final = Publish()


@dataclass
class Edit:
    """An edit under way: change `state`; what came of it is there afterwards.

    `outcome` when it was committed, `plan` on a dry run, neither for a draft.
    """

    state: State
    outcome: Outcome | None = None
    plan: Plan | None = None


class KernelPicker:
    """One site and one caller; every verb opens what it needs and leaves no lock."""

    def __init__(self, site: OpenSite, caller: Caller) -> None:
        self.site = site
        self.caller = caller

    @classmethod
    def open(cls, root: Path, caller: Caller) -> "KernelPicker":
        """Open the site in `root`; NotFound when there is none."""
        return cls(OpenSite(root, caller.notify), caller)

    @classmethod
    @disk_failures("making a site")
    def create(
        cls, root: Path, caller: Caller, *, site_id: str, name: str
    ) -> "KernelPicker":
        """Make a site: its directory and r1. `site_id` is 32 random hex digits."""
        picker = cls(OpenSite.create(root), caller)
        state = State(Empty())
        state.put(Key("site"), Site(id=site_id, name=name))
        nothing = Snapshot(picker.site.repository, None)
        with picker._session.locked():
            proposal = Proposal(picker.site, nothing, state.changes)
            intent = caller.intent("init", f"kp init {name}")
            Transaction(proposal, intent, picker._session.manner()).run()
        return picker

    # --- editing

    @contextmanager
    def edit(
        self,
        message: str | None = None,
        *,
        op: str = "edit",
        dry_run: bool = False,
        force: str = "",
        beside_draft: bool = False,
    ) -> Iterator[Edit]:
        """Edit the caller's draft, or with `message` main itself, at once.

        With a message the edit is made under the lock on main as it is then, and
        Conflict is raised when the draft holds other edits, unless `beside_draft`.
        `force` is the reason to make a known-bad payload default. A dry run takes no
        lock and writes nothing.
        """
        if message is None and not dry_run:
            with self._draft_edit() as edit:
                yield edit
            return
        with nullcontext() if dry_run else self.writing(finishes=True):
            main = self.site.main()
            if not (beside_draft or message is None):
                self._draft.refuse_others()
            drafted = self._draft.merged(main) if message is None else None
            edit = Edit(State(main, drafted))
            yield edit
            proposal = Proposal(self.site, main, edit.state.changes)
            if dry_run:
                edit.plan = self._checked_plan(proposal, force)
            else:
                manner = self._session.manner(force=bool(force))
                intent = self.caller.intent(op, message or "", force)
                edit.outcome = carry_out(proposal, intent, manner)

    @contextmanager
    def _draft_edit(self) -> Iterator[Edit]:
        draft, state = self._draft.open()
        yield Edit(state)
        if draft is None and not state.changes:
            return
        with self._session.locked():
            self._draft.save(draft, state)

    def view(self, rev: str | None = None) -> State:
        """Return the state of a revision, or main with the draft, if it can be read."""
        if rev is not None:
            return State(Snapshot(self.site.repository, self.site.resolve(rev)))
        main = self.site.main()
        return State(main, self._draft.shown(main))

    @disk_failures("planning")
    def plan(self, *, looking: bool = False) -> Plan:
        """Say what committing the draft would do; checked as the commit will be.

        `looking`: a draft that no commit would take is said, and not there.
        """
        main, draft = self.site.main(), self._draft
        changes = draft.shown(main) if looking else draft.merged(main)
        return self._checked_plan(Proposal(self.site, main, changes), force="unasked")

    @disk_failures("committing")
    def commit(
        self,
        message: str,
        *,
        plan: str | None = None,
        without: Collection[str] = (),
        force: str = "",
    ) -> Outcome:
        """Commit and publish the caller's draft.

        Conflict when main moved against it, or when `plan` is no longer its id.
        """
        intent = self.caller.intent("commit", message, force)
        with self.writing(finishes=True):
            draft = self._draft
            proposal = self._proposal_of(draft)
            if plan is not None and plan != proposal.id:
                raise Conflict(
                    f"plan {plan} is not what would be committed now ({proposal.id})",
                    hint="main or the draft moved since: kp plan shows it anew",
                )
            manner = self._session.manner(without=without, force=bool(force))
            outcome = carry_out(proposal, intent, manner)
            try:
                draft.drop_read()
            except (KpError, OSError) as error:
                return replace(
                    outcome, warnings=[*outcome.warnings, f"the draft stays: {error}"]
                )
            return outcome

    def discard(self) -> bool:
        """Drop the caller's draft; tell whether there was one."""
        with self._session.locked():
            return self._draft.drop()

    # --- going back

    @disk_failures("rolling back")
    def rollback(self, wanted: Rollback) -> Outcome:
        """Take images back to an earlier state of theirs; see `restoring.Rollback`."""
        self.site.forgive_settings()
        if not wanted.dry_run:
            with suppress(OSError):  # before anything is written, the lock's line too
                self.site.reserve.give_up()
        with nullcontext() if wanted.dry_run else self.writing(thorough=True):
            outcome = Restoring(self.site, self.caller, wanted).run()
            if outcome.commit or wanted.dry_run:
                return outcome
            # Main is where it should be: who is behind of it shall be there, too.
            return replace(outcome, targets=self._session.catch_up())

    @disk_failures("reverting")
    def revert(
        self, rev: str, message: str, *, dry_run: bool = False, force: str = ""
    ) -> Edit:
        """Undo one commit and keep the later ones; Conflict where they clash.

        Verdicts stay as they are; Refused for a commit that gave nothing else.
        `force` is the reason to make a known-bad payload default.
        """
        undoing = Undoing.of(self.site, rev)
        with nullcontext() if dry_run else self.writing(finishes=True):
            main = self.site.main()
            proposal = Proposal(self.site, main, undoing.over(main))
            edit = Edit(proposal.new)
            if dry_run:
                edit.plan = self._checked_plan(proposal, force)
            else:
                intent = self.caller.intent(
                    "revert", message, force, reverts=undoing.number
                )
                manner = self._session.manner(force=bool(force))
                outcome = carry_out(proposal, intent, manner)
                notes = [*undoing.notes, *outcome.notes]
                edit.outcome = replace(outcome, notes=notes)
            return edit

    @disk_failures("judging")
    def judge(
        self,
        verdict: str,
        defaults: Collection[tuple[str, str | None, str | None]],
        message: str,
    ) -> Outcome:
        """Say that payloads are `good` or `bad`; each is image, entry, revision."""
        with self.writing():
            main = self.site.main()
            said = judge(self.site, main, verdict, defaults, self.caller, message)
            proposal = Proposal(self.site, main, said.changes, judges=True)
            intent = self.caller.intent(verdict, message)
            manner = self._session.manner(publishes=False)
            outcome = carry_out(proposal, intent, manner)
            return replace(outcome, notes=[*said.notes, *outcome.notes])

    # --- reading and upkeep

    @property
    def ask(self) -> Questions:
        """What can be asked of state and history."""
        return Questions(self.site)

    def only_weigh(self, weighed: set[str]) -> None:
        """Have the store write nothing, for dry runs; `weighed`: what it was given."""
        root = self.site.root / "state.git/lfs/objects"
        self.site.artifacts = WeighingStore(root, weighed)

    @property
    def intake(self) -> Intake:
        """Taking in kernels and what image trees say."""
        return Intake(self.site.artifacts)

    def checkup(self, *, deep: bool = False) -> Checkup:
        """Return what examines the site; `deep`: every artifact, all of history."""
        return Checkup(self.site, self.caller.clock(), self.caller.user, deep=deep)

    def verify(self, names: Collection[str] = (), *, deep: bool) -> list[Verified]:
        """Compare targets (no name: all) with the commits that they serve."""
        return verify(self.site, self.caller.clock(), names, deep=deep)

    def publish(self, wanted: Publish = _ALL) -> list[TargetOutcome]:
        """Make targets serve main, and repair what others changed."""
        return publish(self.site, self.caller, wanted)

    def adopt(self, target: str) -> list[str]:
        """Make a target this site's own, whoever's it was; return what gave way."""
        return adopt(self.site, self.caller, target)

    def gc(self, *, dry_run: bool = False) -> Collected:
        """Remove what nothing retained needs; a dry run says what would go."""
        return gc(self.site, self.caller, dry_run=dry_run)

    def log(self, query: Query) -> list[Revision]:
        """Return the revisions that a query asks for, newest first."""
        return self.site.revisions(query)

    # --- how the verbs are carried out

    def writing(
        self, *, finishes: bool = False, thorough: bool = False
    ) -> AbstractContextManager[None]:
        """Hold the lock, with what killed writers left swept; see `Session.writing`."""
        return self._session.writing(finishes=finishes, thorough=thorough)

    @property
    def _session(self) -> Session:
        return Session(self.site, self.caller)

    @disk_failures("planning")
    def _checked_plan(self, proposal: Proposal, force: str) -> Plan:
        proposal.check(force=bool(force))
        return proposal.plan(self.caller.without, self.caller.along)

    @property
    def _draft(self) -> CallersDraft:
        return CallersDraft(self.site, self.caller)

    def _proposal_of(self, draft: CallersDraft) -> Proposal:
        main = self.site.main()
        return Proposal(self.site, main, draft.merged(main))
