"""The commit protocol (docs/architecture.md): write, stage, advance main, switch.

Everything before `advance` is invisible and leaves nothing behind when it fails;
everything after it is finished by whoever writes next. The caller holds the site's
lock.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from kpstore.errors import DiskFailure, KpError, disk_failures
from kpstore.history.git.repository import id_of, new_commit
from kpstore.history.paths import MAIN
from kpstore.history.record import Record, split_message
from kpstore.history.record import format as format_record
from kpstore.history.snapshot import Snapshot
from kpstore.model.bulk import uncollected
from kpstore.model.cautions import Loss, losses
from kpstore.model.moves import Moves
from kpstore.model.nodesets import fold
from kpstore.model.state import State
from kpstore.operations.caller import Intent, silent
from kpstore.operations.outcome import Outcome
from kpstore.operations.proposal import Proposal
from kpstore.operations.retention import Keeping
from kpstore.operations.staging import Staging
from kpstore.site import reserves
from kpstore.site.targets import is_elsewhere
from kpstore.targets.spec import TargetSpec

_NAMED_NODES = 1000
# Sweeping looks at every generation of the grace time: not at each commit.
_SWEEP_EVERY = 8


@dataclass(frozen=True)
class Manner:
    """How a proposal is carried out.

    `without`: targets to leave as they are; `along`: those that come along although
    they were left before. `publishes`: False for what changes nothing that is served.
    `go_through`: rollback's way, no rule and no target stops it. `force`: a known-bad
    default is meant. `unlock`: so is a change of what locked nodes boot. `shield` is
    entered at the commit point and left when all is done, to hold signals back. `doing`
    is told each step, `committed` what stands once main has moved, and after the
    switch.
    """

    without: Collection[str] = ()
    along: Collection[str] = ()
    publishes: bool = True
    go_through: bool = False
    force: bool = False
    unlock: bool = False
    shield: Callable[[], AbstractContextManager[None]] = nullcontext
    doing: Callable[[str], None] = silent
    committed: Callable[[Outcome], None] = silent


class Outlook(NamedTuple):
    """What an outcome will say of a proposal, and whether to sweep after it."""

    nodes_changed: int
    warnings: list[str]
    replaced: list[Loss]
    sweep: bool


class Transaction:
    """One proposal on its way into history and onto the targets."""

    def __init__(self, proposal: Proposal, intent: Intent, manner: Manner) -> None:
        self.proposal = proposal
        self.site = proposal.site
        self.intent = intent
        self.manner = manner
        self._warnings: list[str] = []

    def run(self) -> Outcome:
        """Carry it out; the errors of the parts, OSErrors as DiskFailure.

        When it raises, nothing has changed: main, targets and draft are as before. Only
        a mistake in kp itself may raise later: then `committed` was told.
        """
        with disk_failures("committing"):
            self.manner.doing("checking")
            if not self.manner.go_through:
                self.proposal.check(force=self.manner.force, unlock=self.manner.unlock)
            self.manner.doing("writing the commit")
            manner = self.manner
            left = self.proposal.left_behind(manner.without, manner.along)
            record = self._record(left)
            snapshot = Snapshot(self.site.repository, self._write(record))
            staging = self._staging(snapshot, record.revision, left)
            with staging.discarded_on_failure():
                proposal = self.proposal
                targets = proposal.targets(manner.along)
                staging.stage(targets, proposal.base, proposal.moves)
                outlook = self._outlook(record)
                with self.manner.shield():
                    staging.waiting = self._advance(snapshot)
                    staging.committed = True
                    return self._finish(snapshot, staging, record, outlook)

    def _write(self, record: Record) -> str:
        """Make the objects durable; nothing points to them yet."""
        made = new_commit(
            tree=self.proposal.tree,
            parents=[self.proposal.base.commit] if self.proposal.base.commit else [],
            author=self.intent.author,
            committer=f"kp <kp@{self.intent.host}>",
            time=self.intent.time,
            message=format_record(record),
        )
        self.site.repository.write([*self.proposal.objects, made])
        return id_of(made)

    def _record(self, left: frozenset[str]) -> Record:
        base = self.proposal.base.commit
        subject, body = split_message(self.intent.message)
        return Record(
            subject=subject,
            body=body,
            revision=self.site.record(base).revision + 1 if base else 1,
            op=self.intent.op,
            images=tuple(self.proposal.images),
            nodes=nodes_trailer(self.proposal.moves),
            argv=self.intent.argv,
            host=self.intent.host,
            without=tuple(sorted(left)),
            ticket=self.intent.ticket,
            reverts=self.intent.reverts,
        )

    def _staging(
        self, snapshot: Snapshot, revision: int, left: frozenset[str]
    ) -> Staging:
        return Staging(
            self.site,
            snapshot,
            revision,
            now=self.intent.time,
            go_through=self.manner.go_through,
            publishes=self.manner.publishes,
            without=left,
            doing=self.manner.doing,
        )

    def _advance(self, snapshot: Snapshot) -> str:
        """Move main: the commit point; say why targets have to wait, if they have."""
        repository = self.site.repository
        assert snapshot.commit
        try:
            repository.advance(
                MAIN, self.proposal.base.commit, snapshot.commit, host=self.intent.host
            )
        except (DiskFailure, OSError):
            if repository.tip(MAIN) != snapshot.commit:
                raise
            return self._settled()
        return ""

    def _settled(self) -> str:
        """Write main once more; say why its targets have to wait, if that fails too.

        A commit that a power cut may take back must not be served yet.
        """
        try:
            self.site.repository.settle(MAIN, host=self.intent.host)
        except (KpError, OSError) as error:
            self._warnings.append(f"a power cut now might lose this commit: {error}")
            return f"main is not durable yet: {error}"
        return ""

    def _outlook(self, record: Record) -> "Outlook":
        """Read what is needed after the commit point, where no read may fail."""
        return Outlook(
            nodes_changed=self.proposal.moves.count,
            warnings=self.proposal.warnings(),
            replaced=losses(self.proposal.moves),
            sweep=record.revision % _SWEEP_EVERY == 0 or self._adds_a_target(),
        )

    def _finish(
        self, snapshot: Snapshot, staging: Staging, record: Record, outlook: "Outlook"
    ) -> Outcome:
        standing = partial(self._outcome, snapshot, staging, record, outlook)
        self.manner.committed(standing())
        targets = staging.switch()
        self.manner.committed(standing())
        self._after(self._retire)
        self.manner.doing("feeding the index")
        self._after(lambda: self.site.feed_index(snapshot, record, self.proposal.moves))
        if outlook.sweep:
            self._after(lambda: self._sweep(snapshot))
        live = [target.name for target in targets if target.condition == "live"]
        self._after(lambda: reserves.keep(self.site, State(snapshot), live))
        return standing()

    def _outcome(
        self, snapshot: Snapshot, staging: Staging, record: Record, outlook: "Outlook"
    ) -> Outcome:
        """Return what stands by now."""
        return Outcome(
            revision=f"r{record.revision}",
            commit=snapshot.commit or "",
            targets=staging.outcomes,
            nodes_changed=outlook.nodes_changed,
            warnings=[*outlook.warnings, *self._warnings],
            notes=staging.notes,
            replaced=outlook.replaced,
        )

    def _sweep(self, snapshot: Snapshot) -> None:
        self._warnings += Keeping(self.site, snapshot, self.intent.time).sweep_targets()

    def _adds_a_target(self) -> bool:
        """Tell whether a target is new: nobody has swept there what a crash left."""
        base = self.proposal.base
        return any(
            k.kind == "target" and not base.get(k) for k in self.proposal.new.changes
        )

    def _retire(self) -> None:
        """Leave the targets that the commit removes, and the places of those it moves.

        Disabled ones too.
        """
        old, new = self.proposal.moves.old, self.proposal.new
        there = {key.name: key for key in new.changes if key.kind == "target"}
        for name in sorted(name for name, key in there.items() if old.get(key)):
            stays = new.get(there[name]) is not None
            if stays and not is_elsewhere(name, old, new):
                continue
            spec = TargetSpec.of(name, old.target(name).model_dump())
            target = self.site.open_target(spec, old.site().id)
            reached = target.held() is not None
            found_there = target.retire()
            kept = any(found.kind == "left" for found in found_there)
            if reached and not kept and not stays:  # else originals may be wanted back
                self.site.seen.forget(name)
            for found in found_there:
                plain = found.kind in ("serving", "left")
                rest = f"stays ({found.kind}): {found.detail}"
                said = found.detail if plain else rest
                self._warnings.append(f"target {name}: {found.path} {said}")

    def _after(self, step: Callable[[], object]) -> None:
        """Do what may fail once it is committed: a warning, never an error."""
        try:
            step()
        except (KpError, OSError) as error:
            self._warnings.append(f"committed; after that: {error}")
            self.site.doubt = self._warnings[-1]


def carry_out(proposal: Proposal, intent: Intent, manner: Manner) -> Outcome:
    """Commit a proposal, or say that there is nothing to do; see `Transaction.run`."""
    proposal.check_targets((*manner.without, *manner.along))
    if proposal.is_empty:
        return Outcome("", "", notes=["nothing to do"])
    with uncollected():
        return Transaction(proposal, intent, manner).run()


def nodes_trailer(moves: Moves) -> str:
    """Say which nodes a commit named: folded up to 1,000, else counted.

    Nodes that change with their image are `image:<name> <count>`.
    """
    named = list(moves.nodes)
    counts: dict[str, int] = {}
    for template in moves.changed_templates:
        count = moves.templates[template]
        counts[template.image] = counts.get(template.image, 0) + count
    parts = [f"image:{image} {count}" for image, count in sorted(counts.items())]
    if len(named) > _NAMED_NODES:
        parts.insert(0, str(len(named)))
    elif named:
        parts.insert(0, fold(named))
    return ", ".join(parts)
