"""The targets of one commit: staged together, switched in order, swept after."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from kpstore.disk.durable import make_directories, write_file
from kpstore.errors import CorruptState, DiskFailure, KpError, Refused
from kpstore.history.snapshot import Snapshot
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.operations.caller import silent
from kpstore.operations.outcome import TargetOutcome
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget, is_elsewhere
from kpstore.targets import renderer
from kpstore.targets.condition import left_behind
from kpstore.targets.contract import Publisher
from kpstore.targets.desired import Desired
from kpstore.targets.values import Condition, Held, Leeway, Marker, Staged

_STAGED: Final = "not switched yet"


@dataclass
class Staging:
    """Brings the live targets of a site from `moves.old` to the commit `snapshot`.

    `go_through`: a target that fails is skipped and lags, nothing is refused.
    `without`: those that are behind by choice, and stay so. `publishes`: False where
    nothing is brought along that lags. `waiting`: why no target may serve the commit
    yet, or "". `doing` is told each step.
    """

    site: OpenSite
    snapshot: Snapshot
    revision: int
    now: float
    go_through: bool = False
    publishes: bool = True
    without: Collection[str] = ()
    committed: bool = False
    waiting: str = ""
    doing: Callable[[str], None] = silent
    notes: list[str] = field(default_factory=list)
    _staged: list[tuple[SiteTarget, Staged]] = field(default_factory=list)
    _created: list[Publisher[Any]] = field(default_factory=list)
    _nowhere: dict[str, Held] = field(default_factory=dict)
    _outcomes: dict[str, TargetOutcome] = field(default_factory=dict)

    def stage(
        self, targets: Collection[SiteTarget], base: Snapshot, moves: Moves
    ) -> None:
        """Stage every live target; others are noted with what they are.

        Targets that the commit adds are made first. Refused when a live one can't be
        staged, unless `go_through`.
        """
        others = {*State(base).names("target"), *State(self.snapshot).names("target")}
        for target in targets:
            self.doing(f"staging {target.name}")
            if target.name in self.without:
                self._note(target, "lagging", problem=left_behind(target.name))
                continue
            with self._required(target):
                if is_elsewhere(target.name, State(base), State(self.snapshot)):
                    self._stage_new(target, others)
                else:
                    self._stage_known(target, base, moves)
        self.note_held()

    def note_held(self) -> None:
        """Note what targets hold once they are switched; before they are.

        A full disk refuses a commit for that, and no rollback.
        """
        assert self.snapshot.commit
        new = ((self.revision, self.snapshot.commit[:12]),)
        held = dict(self._nowhere)
        for target, staged in self._staged:
            given = staged.originals.items()
            more = {path: sha256(data).hexdigest() for path, data in given}
            known = target.held() or Held()
            held[target.name] = Held(new, originals=more).and_also(known)
        try:
            self.site.seen.write(held)
        except DiskFailure:
            if not self.go_through:
                raise

    def _stage_new(self, target: SiteTarget, others: set[str]) -> None:
        if target.publisher is None:
            self._nowhere[target.name] = Held()
            self._note(target, "absent", problem="it has no path on this server")
            return
        self._created.append(target.publisher)
        target.publisher.create(others - {target.name})
        self.add(target, None)

    def _stage_known(self, target: SiteTarget, base: Snapshot, moves: Moves) -> None:
        if self.go_through:
            target.reclaim(self._found(target))
        condition = target.condition(base.subtree, self.site.on_main)
        if condition == "live":
            self._stage_live(target, base, moves)
        elif condition == "lagging" and self.publishes and self._serves_it(target):
            self._note(target, "live")
        elif condition == "lagging" and self.publishes:
            self._bring_along(target)
        elif condition == "ahead":
            main = f"r{self.revision} {(self.snapshot.commit or '')[:12]}"
            self._note(target, condition, problem=target.ahead_of(main))
        else:
            self._note(target, condition, problem=target.lost())

    def _stage_live(self, target: SiteTarget, base: Snapshot, moves: Moves) -> None:
        known, document = target.marker(), f"targets/{target.name}.json"
        if known and known.inputs == self.marker(target).inputs:
            self._note(target, "live", live=known.commit)
        elif base.subtree(document) != self.snapshot.subtree(document):
            self.add(target, None)
        elif known and known.renderer != renderer.name():
            self.add(target, None)  # no menu of another version is carried over
        else:
            self.add(target, moves)

    def _serves_it(self, target: SiteTarget) -> bool:
        """Tell whether a target that was behind serves just what this commit says.

        So it is where the commit goes back to what the target never left.
        """
        known, wanted = target.marker(), self.marker(target)
        same = known is not None and known.inputs == wanted.inputs
        return same and target.name not in self.site.drifted and not target.unfinished()

    def _bring_along(self, target: SiteTarget) -> None:
        """Bring a target straight to this commit, whatever it was behind of.

        One that can't be brought lags as before: it stops nobody.
        """
        try:
            self.add(target, None)
        except (KpError, OSError) as error:
            self._note(target, "lagging", problem=reason(error))
        else:
            self.notes.append(f"target {target.name} was behind and comes along")

    @contextmanager
    def _required(self, target: SiteTarget) -> Iterator[None]:
        """Refuse the commit when the block fails, unless nothing may stop it."""
        try:
            yield
        except (KpError, OSError) as error:
            if not self.go_through:
                mend = error.hint if isinstance(error, KpError) else ""
                raise Refused(
                    f"target {target.name} can't be staged: {reason(error)}",
                    hint=f"{mend or 'mend it'}; or leave it behind: "
                    f"kp commit --without {target.name}, "
                    f"or kp target disable {target.name} first",
                ) from error
            self._note(target, "lagging", problem=reason(error))

    def marker(self, target: SiteTarget) -> Marker:
        """Return what the target will say once it serves this commit."""
        assert self.snapshot.commit
        return Marker(
            site=target.site,
            commit=self.snapshot.commit,
            revision=self.revision,
            inputs=target.inputs(self.snapshot.subtree),
            renderer=renderer.name(),
        )

    def add(self, target: SiteTarget, moves: Moves | None) -> None:
        """Stage what `moves` change on one target; None: all that it should serve.

        All of it, too, where what is live is damaged. Raises KpError or OSError.
        """
        staged = self._staged_on(target, moves)
        self._staged.append((target, staged))
        if staged.said:
            self.notes.append(f"target {target.name}: {staged.said}")
        self._keep_others(target, staged)

    def _staged_on(self, target: SiteTarget, moves: Moves | None) -> Staged:
        drifted = self.site.drifted.get(target.name)
        leeway = Leeway(self._found(target), self.go_through, frozenset(drifted or ()))
        if self.go_through and drifted is not None:
            moves = None  # nothing may be wrong where a rollback leads
        try:
            return target.stage(self._desired(target, moves), leeway)
        except (KpError, OSError) as error:
            if moves is None or not (
                self.go_through or isinstance(error, CorruptState)
            ):
                raise
            self.site.doubt = reason(error)
            return target.stage(self._desired(target, None), leeway)

    def _desired(self, target: SiteTarget, moves: Moves | None) -> Desired:
        state = State(self.snapshot) if moves is None else moves.new
        return Desired(
            state,
            self.marker(target),
            self.now,
            state.site().retention.grace,
            moves,
        )

    def _keep_others(self, target: SiteTarget, staged: Staged) -> None:
        """Keep what the switch will write over: foreign files come back one day."""
        for data in staged.originals.values():
            self.site.artifacts.add_stream([data])
        found = self._found(target)
        for path, data in staged.displaced.items():
            make_directories((found / path).parent)
            write_file(found / path, data)

    def _found(self, target: SiteTarget) -> Path:
        return self.site.found(target.name, self.now)

    @contextmanager
    def discarded_on_failure(self) -> Iterator[None]:
        """Sweep what was staged when the block fails before the commit point."""
        try:
            yield
        except BaseException:
            if not self.committed:
                self._discard()
            raise

    def _discard(self) -> None:
        undo = [staged.discard for _, staged in self._staged]
        for step in (*undo, *(each.take_back for each in self._created)):
            try:
                step()
            except (KpError, OSError):
                continue  # the next writer sweeps; the first error is the one to tell

    def switch(self) -> list[TargetOutcome]:
        """Switch what was staged: image trees first, then TFTP roots."""
        if self.waiting:
            for target, _ in self._staged:
                self._note(target, "lagging", problem=self.waiting)
            return self.outcomes
        for target, staged in sorted(self._staged, key=lambda pair: pair[0].order):
            self.doing(f"switching {target.name}")
            try:
                written = staged.switch()
            except (KpError, OSError) as error:
                self._note(target, "lagging", problem=reason(error))
            else:
                live = self.snapshot.commit or ""
                self._note(target, "live", live=live, written=written)
        return self.outcomes

    @property
    def outcomes(self) -> list[TargetOutcome]:
        """Return what became of the targets so far, by name; what is staged lags."""
        waiting = {
            target.name: TargetOutcome(target.name, "lagging", "", 0, _STAGED)
            for target, _ in self._staged
        }
        known = waiting | self._outcomes
        return [known[name] for name in sorted(known)]

    def _note(
        self,
        target: SiteTarget,
        condition: Condition,
        *,
        live: str = "",
        written: int = 0,
        problem: str = "",
    ) -> None:
        self._outcomes[target.name] = TargetOutcome(
            target.name, condition, live or commit_of(target), written, problem
        )


def commit_of(target: SiteTarget) -> str:
    """Return the commit that a target says it serves; '' where it can't be read."""
    try:
        marker = target.marker()
    except (KpError, OSError):
        return ""
    return marker.commit if marker else ""


def reason(error: KpError | OSError) -> str:
    """Say why something failed, with the file that an OSError names."""
    if isinstance(error, OSError):
        return DiskFailure.of(error, "the disk refused").message
    return error.message
