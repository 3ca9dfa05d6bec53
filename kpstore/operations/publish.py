"""`publish`: targets are made to serve main, and what others changed is repaired."""

from dataclasses import dataclass, replace
from pathlib import Path

from kpstore.errors import KpError, NotFound, disk_failures
from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.operations import recover
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.session import Session
from kpstore.operations.staging import commit_of, reason
from kpstore.site.comparing import served_by
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets.condition import left_behind
from kpstore.targets.values import Condition


@dataclass(frozen=True)
class Publish:
    """Which targets to publish, and how.

    No name: all; but one that is behind by choice is brought by its name alone, and
    one that is ahead taken over only so, with `force`. `redraw`: what another version
    of kp drew is drawn anew.
    """

    names: tuple[str, ...] = ()
    force: bool = False
    redraw: bool = False


def publish(site: OpenSite, caller: Caller, wanted: Publish) -> list[TargetOutcome]:
    """Make targets serve main, and repair what others changed.

    What fails on one target stops no other. NotFound for a name that is no target.
    """
    with Session(site, caller).writing(), disk_failures("publishing"):
        site.check_index()
        main = site.main()
        targets = {target.name: target for target in site.targets(State(main))}
        for name in wanted.names:
            if name not in targets:
                raise NotFound(
                    f"no target {name!r} is enabled here",
                    hint=f"kp target list; a disabled one: kp target enable {name}",
                )
        left = frozenset() if wanted.names else site.left_out(main.commit)
        publishing = _Publishing(site, caller, wanted, main, left)
        return [publishing.tried(targets[name]) for name in wanted.names or targets]


@dataclass(frozen=True)
class _Publishing:
    """One `publish` on main as it is now; the lock is held."""

    site: OpenSite
    caller: Caller
    wanted: Publish
    main: Snapshot
    left: frozenset[str]

    def tried(self, target: SiteTarget) -> TargetOutcome:
        """Publish to one target; where that fails, it lags."""
        self.caller.doing(f"publishing {target.name}")
        try:
            return self._publish(target)
        except (KpError, OSError) as error:
            live = commit_of(target)
            self.site.doubt = reason(error)
            return TargetOutcome(target.name, "lagging", live, problem=reason(error))

    def _publish(self, target: SiteTarget) -> TargetOutcome:
        condition = target.condition(self.main.subtree, self.site.on_main)
        taken = self.wanted.force and self.wanted.names and target.publisher
        if condition == "ahead" and taken:
            target.adopt(self._found(target))
            condition = "lagging"
        problem = ""
        if condition == "ahead":
            problem = target.ahead_of(self._named_main())
        elif condition == "lagging" and target.name in self.left:
            problem = left_behind(target.name)
        elif condition == "absent":
            problem = target.lost()
        elif condition in ("live", "lagging"):
            return self._bring_and_repair(target, condition)
        return TargetOutcome(target.name, condition, commit_of(target), problem=problem)

    def _bring_and_repair(
        self, target: SiteTarget, condition: Condition
    ) -> TargetOutcome:
        written = 0
        if condition == "lagging":
            now, host = self.caller.clock(), self.caller.host
            brought = recover.bring(self.site, target, self.main, now, host=host)
            written = brought.files_written
            for line in recover.told([brought]):
                self.caller.notify(line)
            if brought.condition != "live":
                return brought
        marker = target.marker()
        assert marker  # it was brought to main, or is live
        desired = served_by(self.site, target, marker, "live", self.caller.clock())
        if self.wanted.redraw:
            desired = replace(desired, older=None)
        found = target.repair(desired, self._found(target))
        mended = [finding for finding in found if finding.is_drift]
        self.site.mended.add(target.name)
        for finding in mended:
            self.caller.notify(f"{target.name}: {finding.path} was {finding.kind}")
        return TargetOutcome(target.name, "live", marker.commit, written + len(mended))

    def _named_main(self) -> str:
        assert self.main.commit
        revision = self.site.record(self.main.commit).revision
        return f"r{revision} {self.main.commit[:12]}"

    def _found(self, target: SiteTarget) -> Path:
        return self.site.found(target.name, self.caller.clock())
