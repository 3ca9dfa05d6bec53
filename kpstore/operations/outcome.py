"""What a verb answers with: plans and outcomes, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpstore.targets.values import Condition

if TYPE_CHECKING:  # neither is made here, and both take long to import
    from kpstore.model.cautions import Loss
    from kpstore.model.state import State


@dataclass(frozen=True)
class TargetOutcome:
    """One target after a commit: what it serves, how it stands, why it lags."""

    name: str
    condition: Condition
    live: str
    files_written: int = 0
    problem: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a commit did; `commit` is empty when there was nothing to do.

    `nodes` is the folded set of those that change, said by a dry run only: folding
    100,000 of them takes its time.
    """

    revision: str
    commit: str
    targets: Sequence[TargetOutcome] = ()
    nodes_changed: int = 0
    nodes: str = ""
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    replaced: "Sequence[Loss]" = ()

    @property
    def behind(self) -> list[TargetOutcome]:
        """Return the targets that don't serve this commit and should."""
        behind = ("lagging", "absent")
        return [target for target in self.targets if target.condition in behind]

    @property
    def ahead(self) -> list[TargetOutcome]:
        """Return the targets that a person has to judge."""
        return [target for target in self.targets if target.condition == "ahead"]


@dataclass(frozen=True)
class TargetPlan:
    """The files that a commit would write and remove on one target; why not, if so."""

    name: str
    condition: Condition
    write: Sequence[str] = ()
    remove: Sequence[str] = ()
    problem: str = ""


@dataclass(frozen=True)
class Plan:
    """What a commit would do. `id` holds a commit to exactly this."""

    id: str
    base: str
    targets: Sequence[TargetPlan]
    nodes: str
    nodes_changed: int
    changes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    replaced: "Sequence[Loss]" = ()


@dataclass
class Edit:
    """An edit under way: change `state`; what came of it is there afterwards.

    `outcome` when it was committed, `plan` on a dry run, neither for a draft.
    """

    state: "State"
    outcome: Outcome | None = None
    plan: Plan | None = None
