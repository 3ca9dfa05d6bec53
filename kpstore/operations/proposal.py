"""A change that is thought through but not yet written: base, new state, renderings.

The same proposal is what `kp plan` shows and what a commit carries out.
"""

import hashlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from functools import cached_property, partial

from kpstore.errors import NotFound, Refused, disk_failures
from kpstore.health import locks
from kpstore.health.guard import refuse_bad_boots
from kpstore.health.remerged import remerged
from kpstore.history.git import trees
from kpstore.history.git.repository import GitObject
from kpstore.history.snapshot import Snapshot, to_tree
from kpstore.loaders.limits import warnings
from kpstore.model.boot import Boot, boot_of
from kpstore.model.cautions import cautions, losses
from kpstore.model.checks import check
from kpstore.model.documents import Artifacts, KernelConfig
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.nodesets import fold
from kpstore.model.state import Changes, State
from kpstore.operations.outcome import Plan, TargetPlan
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget, is_elsewhere
from kpstore.targets import renderer
from kpstore.targets.condition import left_behind
from kpstore.targets.desired import Desired
from kpstore.targets.lines import check_lines
from kpstore.targets.values import Condition, FilePlan, Marker


class Proposal:
    """Changes laid over main as it is now; `judges`: verdicts may be among them."""

    def __init__(
        self, site: OpenSite, base: Snapshot, changes: Changes, *, judges: bool = False
    ) -> None:
        self.site = site
        self.base = base
        self._judges = judges
        self.new = State(base, changes)
        self.moves = Moves(State(base), self.new, site.census(base))

    @cached_property
    def _written(self) -> tuple[str, list[GitObject]]:
        return to_tree(self.base, self.new.changes)

    @property
    def tree(self) -> str:
        """Return the id of the new state's tree."""
        return self._written[0]

    @property
    def objects(self) -> list[GitObject]:
        """Return the blobs and trees that are new."""
        return self._written[1]

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing would change."""
        return not self.new.changes

    @property
    def id(self) -> str:
        """Return the digest of base and new tree, which `--plan` holds a commit to."""
        text = f"{self.base.commit} {self.tree}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check(self, *, force: bool, unlock: bool) -> None:
        """Hold the new state to its invariants; see the errors of `model.checks`.

        NeedsConfirmation when a known-bad payload would be booted, unless `force`, and
        when locked nodes would boot differently, unless `unlock`.
        """
        self._refuse_verdicts()
        check(self.moves)
        self.check_artifacts()
        check_lines(self.moves, [t.spec for t in self.site.targets(self.new)])
        if not force:
            refuse_bad_boots(self.moves)
        if not unlock:
            locks.refuse_locked(self.moves)

    def _refuse_verdicts(self) -> None:
        """Refused for an edit that says of a payload what nobody found of it."""
        said = [str(key) for key in sorted(self.new.changes) if key.kind == "verdict"]
        if said and not self._judges:
            raise Refused(
                f"an edit gives no verdicts and takes none back: {', '.join(said)}",
                hint="kp good IMAGE, kp bad IMAGE; leave verdicts/ as it is on main",
            )

    @cached_property
    def images(self) -> list[str]:
        """Return the images whose subtree changes and that are still there."""
        names = {
            key.within or key.name
            for key in self.new.changes
            if key.kind in ("image", "entry", "kernel")
        }
        return sorted(n for n in names if self.new.get(Key("image", n)) is not None)

    def check_artifacts(self) -> None:
        """NotFound when a kernel that is new lacks one of its files."""
        for key, document in self.new.changes.items():
            if isinstance(document, KernelConfig):
                gone = missing_artifacts(self.site, document.artifacts)
                if gone:
                    raise NotFound(
                        f"kernel {key.within}/{key.name}: artifact "
                        f"{', '.join(gone)} is not in this site's store",
                        hint="add its files again: kp kernel add --replace",
                    )

    def targets(self, along: Collection[str] = ()) -> list[SiteTarget]:
        """Return the targets that are enabled, or come along all the same."""
        every = self.site.every_target(self.new)
        return [t for t in every if t.spec.enabled or t.name in along]

    def left_behind(
        self, without: Collection[str], along: Collection[str]
    ) -> frozenset[str]:
        """Return the targets that are behind by choice once this is committed.

        They are left now, or were before and have not been brought to main since, and
        serve something else than it.
        NotFound for a name that is no target.
        """
        self.check_targets((*without, *along))
        before = self.site.left_out(self.base.commit) - {*along}
        return frozenset(
            target.name
            for target in self.targets()
            if target.name in without
            or (target.name in before and not self._is_live(target))
            if not self._will_serve_the_same(target)
        )

    def check_targets(self, names: Iterable[str]) -> None:
        """NotFound for a name that is no target."""
        for name in names:
            self.new.target(name)

    def _is_live(self, target: SiteTarget) -> bool:
        return target.condition(self.base.subtree, self.site.on_main) == "live"

    def _will_serve_the_same(self, target: SiteTarget) -> bool:
        marker = target.marker() if target.identity() else None
        repository = self.site.repository
        subtree = partial(trees.subtree, repository, self.tree, self.objects)
        return marker is not None and marker.inputs == target.inputs(subtree)

    def plan(self, without: Collection[str] = (), along: Collection[str] = ()) -> Plan:
        """Say what a commit would do, file by file and node by node."""
        names, left = self.moves.names(), self.left_behind(without, along)
        return Plan(
            id=self.id,
            base=self.base.commit or "",
            targets=[
                TargetPlan(target.name, "lagging", problem=left_behind(target.name))
                if target.name in left
                else self._target_plan(target)
                for target in self.targets(along)
            ],
            nodes=fold(names) if names else "",
            nodes_changed=self.moves.count,
            changes=[str(key) for key in sorted(self.new.changes)],
            warnings=self.warnings(),
            replaced=losses(self.moves),
        )

    @disk_failures("planning")
    def checked_plan(
        self,
        without: Collection[str],
        along: Collection[str],
        *,
        force: bool,
        unlock: bool,
    ) -> Plan:
        """Hold it to the invariants as a commit would, then say what that would do."""
        self.check(force=force, unlock=unlock)
        return self.plan(without, along)

    def _target_plan(self, target: SiteTarget) -> TargetPlan:
        condition = target.condition(self.base.subtree, self.site.on_main)
        document = Key("target", target.name)
        elsewhere = is_elsewhere(target.name, State(self.base), self.new)
        is_new = elsewhere and condition == "absent"
        files, older = FilePlan(), self._is_redrawn(target, condition)
        if target.publisher and not self.is_empty:
            whole = older or document in self.new.changes
            if condition == "live" and not whole:
                files = target.plan(self._desired(target, self.moves))
            elif is_new or condition in ("live", "lagging"):
                files = target.plan(self._desired(target, None))
        why = "another version of kp drew it: all of it is drawn anew" if older else ""
        why = why or files.said
        return TargetPlan(target.name, condition, files.write, files.remove, why)

    def _is_redrawn(self, target: SiteTarget, condition: Condition) -> bool:
        if condition != "live" or self._will_serve_the_same(target):
            return False
        marker = target.marker()
        return marker is not None and marker.renderer != renderer.name()

    def _desired(self, target: SiteTarget, moves: Moves | None) -> Desired:
        """Return what a commit that isn't there yet asks of a target."""
        marker = Marker(target.site, "0" * 40, 0, renderer=renderer.name())
        return Desired(self.new, marker, 0, self.new.site().retention.grace, moves)

    def warnings(self) -> list[str]:
        """Return what is allowed and still worth a word, each once."""
        found = dict.fromkeys(
            (*locks.said(self.moves), *cautions(self.moves), *remerged(self.moves))
        )
        for key in self.new.changes:
            if key.kind == "entry" and self.new.get(key) is not None:
                with suppress(NotFound):  # it dangles: a rollback goes through
                    boot: Boot = boot_of(self.new, key.within, key.name)
                    found.update(dict.fromkeys(warnings(boot)))
        return list(found)


def missing_artifacts(site: OpenSite, artifacts: Artifacts) -> list[str]:
    """Return the short names of a kernel's files that the store doesn't have."""
    return [
        ref.sha256[:12]
        for ref in artifacts.refs()
        if not site.artifacts.has(ref.sha256, ref.size)
    ]
