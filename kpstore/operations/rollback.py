"""`rollback`: images go back, what stands in the way goes with them."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from kpstore.errors import CorruptState, InvalidInput, NotFound, Refused, disk_failures
from kpstore.health.candidates import choose, clear_overrides, restore_image, serves
from kpstore.health.verdicts import bad_verdict, give, is_good, proved_by_reports
from kpstore.history.revisions import Query, Revision
from kpstore.history.snapshot import Snapshot
from kpstore.history.times import utc
from kpstore.model.boot import Boot, default_boot, disk_boot
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.model.moves import image_of
from kpstore.model.nodesets import fold
from kpstore.model.state import Documents, State
from kpstore.operations.caller import Caller
from kpstore.operations.consequences import (
    bad_boots,
    next_boots,
    not_blamed,
    refusals,
    said_of_next,
    suspects_of,
    undone,
    unresolved,
)
from kpstore.operations.outcome import Outcome
from kpstore.operations.proposal import Proposal, missing_artifacts
from kpstore.operations.session import Session
from kpstore.operations.staging import commit_of
from kpstore.operations.transaction import Manner, carry_out
from kpstore.operations.verdict import known, said_by, spread
from kpstore.site import reserves
from kpstore.site.opened import OpenSite
from kpstore.site.overrides import Overridden


@dataclass(frozen=True)
class Rollback:
    """What to go back: images (none: all), to a revision, or to known-good.

    `blame` None: the payload rolled away from becomes bad unless `to` is given.
    """

    images: tuple[str, ...] = ()
    to: str | None = None
    message: str = ""
    blame: bool | None = None
    dry_run: bool = False


@disk_failures("rolling back")
def rollback(site: OpenSite, caller: Caller, wanted: Rollback) -> Outcome:
    """Take images back to an earlier state of theirs."""
    site.forgive_settings()
    if not wanted.dry_run:
        with suppress(OSError):  # before anything is written, the lock's line too
            site.reserve.give_up()
    session = Session(site, caller)
    with nullcontext() if wanted.dry_run else session.writing(thorough=True):
        outcome = _Restoring(site, caller, wanted).run()
        if outcome.commit or wanted.dry_run:
            return outcome
        # Main is where it should be: who is behind of it shall be there, too.
        return replace(outcome, targets=session.catch_up())


@dataclass
class _Restoring:
    """One rollback on main as it is now; the lock is held."""

    site: OpenSite
    caller: Caller
    wanted: Rollback
    notes: list[str] = field(default_factory=list)
    reverts: list[str] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)  # image -> payload left
    passed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start from main."""
        self.main = self.site.main()
        self.today = State(self.main)
        self.new = State(self.main)

    def run(self) -> Outcome:
        """Go back in one commit; Refused where an image, or of all none, can."""
        images = self.wanted.images or tuple(self.today.names("image"))
        if self.wanted.to is not None:
            self.site.resolve(self.wanted.to)  # whichever image: one that isn't there
        for image in images:
            self._restore_or_pass_over(image)
        proposal = Proposal(self.site, self.main, self.new.changes, judges=True)
        if proposal.is_empty:
            self._refuse_all(images)
        self.notes += [*unresolved(proposal.moves), *refusals(proposal)]
        if self.wanted.dry_run or proposal.is_empty:
            names = proposal.moves.names()
            nodes = fold(names) if names else ""
            return Outcome("", "", (), len(names), nodes, self.passed, self.notes)
        intent = self.caller.intent(
            "rollback", self._message(proposal.images), reverts=" ".join(self.reverts)
        )
        caller = self.caller
        self.notes += reserves.give_up(self.site, self.today)
        manner = Manner(
            without=caller.without,
            along={*caller.along, *self._along()} - {*caller.without},
            go_through=True,
            shield=caller.shield,
            doing=caller.doing,
            committed=caller.committed,
        )
        outcome = carry_out(proposal, intent, manner)
        if outcome.nodes_changed:
            self.notes.append("nodes run what they booted until they boot again")
        return replace(
            outcome,
            warnings=[*self.passed, *outcome.warnings],
            notes=[*self.notes, *outcome.notes],
        )

    def _restore_or_pass_over(self, image: str) -> None:
        """Take one image back; of all images, one that can't stops no other."""
        try:
            self._restore(image)
        except (Refused, NotFound, CorruptState) as error:
            if self.wanted.images:
                raise
            self.passed.append(f"image {image} stays as it is: {error.message}")

    def _refuse_all(self, images: tuple[str, ...]) -> None:
        """Refused when nothing goes back and some image should have."""
        if not images:
            raise InvalidInput("this site has no images", hint="kp image add")
        if self.passed:
            raise Refused("\n".join(self.passed), hint="kp rollback IMAGE --to REV")

    def _along(self) -> Iterator[str]:
        """Yield the targets left behind that serve what is rolled away from."""
        left = self.site.left_out(self.main.commit)
        for target in self.site.every_target(self.today):
            served = commit_of(target)
            if (target.spec.enabled and target.name not in left) or not served:
                continue
            then = Snapshot(self.site.repository, served)
            with suppress(CorruptState):  # what it serves can't be told: left alone
                if not self.site.on_main(served):
                    continue
                if serves(then, self.away, target.spec.image):
                    back = f"target {target.name}, left behind, goes back too"
                    self.notes.append(back)
                    yield target.name

    def _message(self, images: Sequence[str]) -> str:
        where = ", ".join(dict.fromkeys(self.reverts))
        return self.wanted.message or f"roll back {', '.join(images)} to {where}"

    def _restore(self, image: str) -> None:
        history = self.site.revisions(Query(image=image))
        if not history:
            self.today.image(image)  # it never was: the nearest is named
        if self.wanted.to is None and self._is_settled(image, history):
            return
        revision, earlier = self._earlier(image, history)
        before = default_boot(self.today, image)
        for key, document in restore_image(self.today, image, earlier).items():
            if document is not None:
                self.new.put(key, document)
            elif self.new.get(key) is not None:
                self.new.drop(key)
        if any(image_of(key) == image for key in self.new.changes):
            self.reverts.append(revision)
            self.notes += undone(image, int(revision[1:]), history)
            self._end_rollout(image)
            found = next_boots(self.site, self.main, image)
            self._blame(image, before, history, found)
            boots = default_boot(self.new, image), disk_boot(self.new, image)
            self.notes += bad_boots(image, *boots, partial(self._is_bad, self.new))
            self._clear_overrides(image)
            self.notes += [said_of_next(each, self.today, self.new) for each in found]

    def _is_settled(self, image: str, history: list[Revision]) -> bool:
        """Two people at 3 a.m. must not roll back twice."""
        boot = default_boot(self.today, image)
        newest = history[0]
        last = f"r{newest.number} by {newest.author}, {utc(newest.time)}"
        if boot and is_good(self.today, boot.payload):
            self.notes += [
                f"image {image}: its default {boot.entry} is known good",
                f"its last change: {last}: {newest.subject}",
            ]
        elif boot and newest.op == "rollback" and not self._is_bad(self.today, boot):
            self.notes.append(
                f"image {image} was rolled back already: {last}: {newest.subject}"
            )
        else:
            return False
        further = [f"r{r.number} {r.subject} ({r.author})" for r in history[1:6]]
        if further:
            self.notes.append("further back: " + "; ".join(further))
        self.notes.append(f"to go there: kp rollback {image} --to REV")
        for found in next_boots(self.site, self.main, image):
            self.notes.append(said_of_next(found, self.today, self.today))
        return True

    def _is_bad(self, state: State, boot: Boot | None) -> bool:
        return boot is not None and bad_verdict(state, boot.payload) is not None

    def _earlier(self, image: str, history: list[Revision]) -> tuple[str, Documents]:
        if self.wanted.to is not None:
            commit = self.site.resolve(self.wanted.to)
            earlier = Snapshot(self.site.repository, commit)
            self._refuse_gone(image, earlier)
            return f"r{self.site.record(commit).revision}", earlier
        found = choose(
            self.today,
            image,
            self._states(history),
            lambda then: [n for _, gone in self._gone(image, then) for n in gone],
        )
        return found.revision, found.documents

    def _states(self, history: list[Revision]) -> Iterator[tuple[str, Documents]]:
        for line in history:
            yield f"r{line.number}", Snapshot(self.site.repository, line.commit)

    def _gone(self, image: str, earlier: Documents) -> Iterator[tuple[str, list[str]]]:
        """Yield the kernels of then that have lost files, with the files."""
        for name in earlier.names("kernel", image):
            kernel = earlier.get(Key("kernel", name, image))
            if isinstance(kernel, KernelConfig):
                gone = missing_artifacts(self.site, kernel.artifacts)
                if gone:
                    yield name, gone

    def _refuse_gone(self, image: str, earlier: Documents) -> None:
        for name, gone in self._gone(image, earlier):
            raise Refused(
                f"image {image}: kernel {name} of then has lost its files: "
                f"{', '.join(gone)}",
                hint="git lfs pull, or add the files to the store again",
            )

    def _end_rollout(self, image: str) -> None:
        if self.new.get(Key("rollout", image)) is not None:
            self.new.drop(Key("rollout", image))
            self.notes.append(f"the rollout of {image} is ended")

    def _blame(
        self,
        image: str,
        before: Boot | None,
        history: list[Revision],
        found: list[Overridden],
    ) -> None:
        after = default_boot(self.new, image)
        if before is None or (after and after.payload.id == before.payload.id):
            return
        self.away[image] = before.payload.id
        if proved_by_reports(self.today, before.payload):
            self.notes.append(f"{image}/{before.entry} stays good: nodes reported it")
            return
        blame = self.wanted.blame
        revision = f"r{self.site.record(self.main.commit or '').revision}"
        if blame is None and self.wanted.to is None:
            suspects = list(suspects_of(self.site, before, history, found))
            self.notes += not_blamed(before, suspects, revision)
            blame = not suspects
        if blame:
            reason = self.wanted.message or f"rolled back from {before.entry}"
            said = said_by(self.caller, revision, reason, image)
            earlier = State(self.main, self.new.changes)
            give(self.new, before.payload, "bad", said)
            self.notes.append(known(before, "bad"))
            self.notes += spread(earlier, self.new, {(image, before.entry)})

    def _clear_overrides(self, image: str) -> None:
        census = self.site.census(self.main)
        names = [
            name
            for template in census.templates()
            if template.image == image and template.entry
            for name in census.nodes_of(template)
        ]
        nodes = (self.new.node(name) for name in names)
        cleared = clear_overrides(self.new, image, nodes)
        if cleared:
            self.notes.append(f"next boot cleared on {fold(cleared)}")
