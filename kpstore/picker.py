"""`KernelPicker`, the facade: the verbs of kp for programs.

```python
picker = KernelPicker.open(Path("/var/lib/kp"), caller)
with picker.edit("web: try the second kernel") as edit:
    entries.add(edit.state, "web", "next", {"kernel": "6.2"}, default=True)
print(edit.outcome)
```

A verb imports its operation when it is called: all of them take longer to import than
most take to run.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.draft.own import CallersDraft
from kpstore.operations.outcome import Edit, Outcome, Plan, TargetOutcome
from kpstore.site.opened import OpenSite

if TYPE_CHECKING:
    from kpstore.history.merge import MergedState
    from kpstore.history.revisions import Query, Revision
    from kpstore.kernels.intake import Intake
    from kpstore.operations.draft.resolve import Resolve, Resolved
    from kpstore.operations.draft.saved import DraftShown
    from kpstore.operations.draft.undo import Undone
    from kpstore.operations.gc import Collected
    from kpstore.operations.publish import Publish
    from kpstore.operations.rollback import Rollback
    from kpstore.operations.verdict import Meant
    from kpstore.queries.blame import Blamed
    from kpstore.queries.diff import Shown
    from kpstore.queries.doctor.contract import Advice, Visit
    from kpstore.queries.verify import Verified
    from kpstore.queries.why import Why
    from kpstore.targets.contract import Request

__all__ = ["Edit", "KernelPicker"]


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
    def create(
        cls, root: Path, caller: Caller, *, site_id: str, name: str, shared: str = ""
    ) -> "KernelPicker":
        """Make a site: its directory and r1. `site_id` is 32 random hex digits.

        `shared`: the group of several administrators who write it.
        """
        from kpstore.operations.create import create

        made = create(root, caller, site_id=site_id, name=name, shared=shared)
        return cls(made, caller)

    # --- editing

    def edit(
        self,
        message: str | None = None,
        *,
        op: str = "edit",
        dry_run: bool = False,
        force: str = "",
        beside_draft: bool = False,
    ) -> AbstractContextManager[Edit]:
        """Edit the caller's draft, or with `message` main itself, at once.

        See `operations.edit`.
        """
        from kpstore.operations.edit import Editing, edit

        wanted = Editing(message, op, dry_run, force, beside_draft)
        return edit(self.site, self.caller, wanted)

    def view(self, rev: str | None = None) -> State:
        """Return the state of a revision, or main with the draft, if it can be read."""
        return CallersDraft(self.site, self.caller).view(rev)

    def plan(self, *, looking: bool = False) -> Plan:
        """Say what committing the draft would do; checked as the commit will be.

        `looking`: a draft that no commit would take is said, and not there.
        """
        from kpstore.operations.draft.plan import plan

        return plan(self.site, self.caller, looking=looking)

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
        from kpstore.operations.commit import Commit, commit

        wanted = Commit(message, plan, without, force)
        return commit(self.site, self.caller, wanted)

    def discard(self) -> bool:
        """Drop the caller's draft; tell whether there was one."""
        from kpstore.operations.draft.undo import discard

        return discard(self.site, self.caller)

    def compared(self) -> "MergedState":
        """Return what the draft changes of main, and the fields where they clash."""
        return CallersDraft(self.site, self.caller).compared(self.site.main())

    def resolve(self, wanted: "Resolve") -> "Resolved":
        """Settle conflicts between the draft and main, by an edit of the draft."""
        from kpstore.operations.draft.resolve import resolve

        return resolve(self.site, self.caller, wanted)

    def undo(self, *, dry_run: bool = False) -> "Undone | None":
        """Take back the newest edit of the caller's draft; None when there is none."""
        from kpstore.operations.draft.undo import undo

        return undo(self.site, self.caller, dry_run=dry_run)

    def drafts(self) -> "list[DraftShown]":
        """Return all drafts, saved ones too; of one that can't be read, why."""
        from kpstore.operations.draft import saved

        return list(saved.listed(self.site))

    def draft(self, user: str | None = None, name: str = "") -> "DraftShown":
        """Return a user's draft, or one that was saved; the caller's by default."""
        from kpstore.operations.draft import saved

        return saved.shown(self.site, user or self.caller.user, name)

    def save_draft(self, name: str, *, replace: bool = False) -> None:
        """Save the draft by a name; it stays in use."""
        from kpstore.operations.draft import saved

        saved.save(self.site, self.caller, name, replace=replace)

    def load_draft(self, name: str, *, replace: bool = False) -> None:
        """Make a saved draft the one in use; Refused where edits would be lost."""
        from kpstore.operations.draft import saved

        saved.load(self.site, self.caller, name, replace=replace)

    def remove_draft(self, name: str) -> None:
        """Remove a saved draft."""
        from kpstore.operations.draft import saved

        saved.remove(self.site, self.caller, name)

    # --- going back

    def rollback(self, wanted: "Rollback") -> Outcome:
        """Take images back to an earlier state of theirs."""
        from kpstore.operations.rollback import rollback

        return rollback(self.site, self.caller, wanted)

    def revert(
        self, rev: str, message: str, *, dry_run: bool = False, force: str = ""
    ) -> Edit:
        """Undo one commit and keep the later ones; Conflict where they clash."""
        from kpstore.operations.revert import Revert, revert

        wanted = Revert(rev, message, dry_run, force)
        return revert(self.site, self.caller, wanted)

    def judge(self, verdict: str, defaults: "Sequence[Meant]", message: str) -> Outcome:
        """Say that payloads are `good` or `bad`; each is image, entry, revision."""
        from kpstore.operations.verdict import Judge, judge

        return judge(self.site, self.caller, Judge(verdict, defaults, message))

    # --- what is served

    def publish(self, wanted: "Publish | None" = None) -> list[TargetOutcome]:
        """Make targets serve main, and repair what others changed."""
        from kpstore.operations.publish import Publish, publish

        return publish(self.site, self.caller, wanted or Publish())

    def verify(self, names: Collection[str] = (), *, deep: bool) -> "list[Verified]":
        """Compare targets (no name: all) with the commits that they serve."""
        from kpstore.queries.verify import verify

        return verify(self.site, self.caller.clock(), names, deep=deep)

    def adopt(self, target: str) -> list[str]:
        """Make a target this site's own, whoever's it was; return what gave way."""
        from kpstore.operations.adopt import adopt

        return adopt(self.site, self.caller, target)

    def gc(self, *, dry_run: bool = False) -> "Collected":
        """Remove what nothing retained needs; a dry run says what would go."""
        from kpstore.operations.gc import gc

        return gc(self.site, self.caller, dry_run=dry_run)

    # --- asking

    def log(self, query: "Query") -> "list[Revision]":
        """Return the revisions that a query asks for, newest first."""
        from kpstore.queries.log import log

        return log(self.site, query)

    def show(self, rev: str) -> "Shown":
        """Return a commit with the fields that it changed."""
        from kpstore.queries.diff import show

        return show(self.site, rev)

    def blame(self, image: str, entry: str) -> "list[Blamed]":
        """Return the fields of an entry and who set them last."""
        from kpstore.queries.blame import blame_entry

        return list(blame_entry(self.site, image, entry))

    def blame_node(self, node: str) -> "list[Blamed]":
        """Return what a node boots, part by part, and who set that last."""
        from kpstore.queries.blame import blame_node

        return list(blame_node(self.site, node))

    def why(self, state: State, node: str, until: int | None = None) -> "Why":
        """Return what a node boots next, with every parameter's origin.

        `until`: the number of the revision whose state that is, where it isn't main's.
        """
        from kpstore.queries.why import why

        return why(self.site, state, node, until)

    def examine(self, *, deep: bool = False) -> "Iterator[Advice]":
        """Yield what is amiss and what is not, `deep` by reading all there is."""
        from kpstore.queries.doctor.examine import examine

        return examine(self._visit(deep=deep))

    def damage(self) -> "list[Advice]":
        """Return what of history or of main's artifacts is damaged or gone."""
        from kpstore.queries.doctor.examine import damage

        return damage(self._visit())

    def requests(self) -> "list[Request]":
        """Return what a node asks for, of each target that has a path here."""
        from kpstore.queries.requests import requests

        return list(requests(self.site))

    def _visit(self, *, deep: bool = False) -> "Visit":
        from kpstore.queries.doctor.contract import Visit

        return Visit(self.site, self.caller.clock(), self.caller.user, deep=deep)

    # --- kernels, and what lies beside the repository

    @property
    def intake(self) -> "Intake":
        """Taking in kernels and what image trees say."""
        from kpstore.kernels.intake import Intake

        return Intake(self.site.artifacts)

    def only_weigh(self, weighed: set[str]) -> None:
        """Have the store write nothing, for dry runs; `weighed`: what it was given."""
        from kpstore.artifacts.weighing import WeighingStore

        root = self.site.root / "state.git/lfs/objects"
        self.site.artifacts = WeighingStore(root, weighed)

    def writing(self) -> AbstractContextManager[None]:
        """Hold the lock, with what killed writers left swept."""
        from kpstore.operations.session import Session

        return Session(self.site, self.caller).writing()
