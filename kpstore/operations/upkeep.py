"""Upkeep: disk held against commit, repaired from it, and swept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kpstore.errors import KpError, NotFound, Refused, disk_failures
from kpstore.history.index import feed
from kpstore.history.snapshot import Snapshot
from kpstore.model.bulk import uncollected
from kpstore.model.state import State
from kpstore.operations import recover
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.retention import Keeping
from kpstore.operations.staging import commit_of, reason
from kpstore.site import drift
from kpstore.site.comparing import compared, complete, expected, redrawn
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets.condition import left_behind
from kpstore.targets.tftp.quick import Look
from kpstore.targets.values import Condition, Finding


@dataclass(frozen=True)
class Verified:
    """One target held against the commit that it says it serves."""

    name: str
    condition: Condition
    findings: list[Finding] = field(default_factory=list)

    @property
    def drift(self) -> list[Finding]:
        """Return the findings that kp would mend."""
        return [finding for finding in self.findings if finding.is_drift]


class Collected(NamedTuple):
    """The artifacts that went, or would; and why targets were not swept."""

    artifacts: list[str]
    refused: Sequence[str] = ()


class _How(NamedTuple):
    """How targets are published: which stay behind by choice, and what is meant."""

    left: frozenset[str]
    force: bool
    redraw: bool


class Upkeep:
    """What `kp verify`, `kp publish`, `kp gc` and `kp target adopt` do."""

    def __init__(self, site: OpenSite, caller: Caller) -> None:
        self.site = site
        self.caller = caller

    @disk_failures("verifying")
    def verify(self, names: Collection[str] = (), *, deep: bool) -> list[Verified]:
        """Compare every target (or those named) with the commit that it serves.

        Not `deep`, look only for what changed since kp last wrote there, at a cost
        that doesn't grow with the nodes; where that isn't known, names, links and
        menus are compared.
        """
        main = self.site.main()
        with uncollected():
            return [
                self._verify(target, main, deep=deep)
                for target in self.site.targets(State(main))
                if not names or target.name in names
            ]

    def _verify(self, target: SiteTarget, main: Snapshot, *, deep: bool) -> Verified:
        condition = target.condition(main.subtree, self.site.on_main)
        if not deep and condition not in ("absent", "ahead"):
            seen = self._seen(target)
            if seen is not None and seen.sure:
                return Verified(target.name, condition, seen.findings)
            deep = seen is not None  # something changed: what, only all of it tells
        now = self.caller.clock()
        found = compared(self.site, target, condition, now, deep=deep)
        return Verified(target.name, condition, found)

    def _seen(self, target: SiteTarget) -> Look | None:
        known = drift.sighted(self.site.settings, target.spec)
        return drift.drift(known, self.site, files=True) if known else None

    @disk_failures("publishing")
    def publish(
        self, names: Collection[str] = (), *, force: bool = False, redraw: bool = False
    ) -> list[TargetOutcome]:
        """Make targets serve main, and repair what others changed.

        The caller holds the lock. One that is behind by choice is brought by its name
        alone, and one that is ahead taken over only so, with `force`. `redraw`: what
        another version of kp drew is drawn anew. What fails on one target stops no
        other. NotFound for a name that is no target.
        """
        self.site.check_index()
        main = self.site.main()
        targets = {t.name: t for t in self.site.targets(State(main))}
        for name in names:
            if name not in targets:
                raise NotFound(
                    f"no target {name!r} is enabled here",
                    hint=f"kp target list; a disabled one: kp target enable {name}",
                )
        left = frozenset() if names else self.site.left_out(main.commit)
        how = _How(left, force=force and bool(names), redraw=redraw)
        return [self._published(targets[name], main, how) for name in names or targets]

    def _published(
        self, target: SiteTarget, main: Snapshot, how: "_How"
    ) -> TargetOutcome:
        self.caller.doing(f"publishing {target.name}")
        try:
            return self._publish(target, main, how)
        except (KpError, OSError) as error:
            live = commit_of(target)
            self.site.doubt = reason(error)
            return TargetOutcome(target.name, "lagging", live, problem=reason(error))

    def _publish(
        self, target: SiteTarget, main: Snapshot, how: "_How"
    ) -> TargetOutcome:
        condition = target.condition(main.subtree, self.site.on_main)
        if condition == "ahead" and how.force and target.publisher:
            target.adopt(self._found(target))
            condition = "lagging"
        problem = ""
        if condition == "ahead":
            problem = target.ahead_of(self._named(main))
        elif condition == "lagging" and target.name in how.left:
            problem = left_behind(target.name)
        elif condition == "absent":
            problem = target.lost()
        elif condition in ("live", "lagging"):
            return self._bring_and_repair(target, main, condition, redraw=how.redraw)
        return TargetOutcome(target.name, condition, commit_of(target), problem=problem)

    def _bring_and_repair(
        self, target: SiteTarget, main: Snapshot, condition: Condition, *, redraw: bool
    ) -> TargetOutcome:
        written = 0
        if condition == "lagging":
            now, host = self.caller.clock(), self.caller.host
            brought = recover.bring(self.site, target, main, now, host=host)
            written = brought.files_written
            for line in recover.told([brought]):
                self.caller.notify(line)
            if brought.condition != "live":
                return brought
        marker = target.marker()
        assert marker  # it was brought to main, or is live
        made = complete(self.site, target, marker, "live", self.caller.clock())
        made = redrawn(made) if redraw else expected(target, made, deep=True)
        found = target.repair(made, self._found(target))
        mended = [finding for finding in found if finding.is_drift]
        self.site.mended.add(target.name)
        for finding in mended:
            self.caller.notify(f"{target.name}: {finding.path} was {finding.kind}")
        return TargetOutcome(target.name, "live", marker.commit, written + len(mended))

    def _named(self, main: Snapshot) -> str:
        assert main.commit
        return f"r{self.site.record(main.commit).revision} {main.commit[:12]}"

    def _found(self, target: SiteTarget) -> Path:
        return self.site.found(target.name, self.caller.clock())

    def adopt(self, name: str) -> list[str]:
        """Make a target this site's own, whoever's it was; return what was set aside.

        The caller holds the lock.
        """
        target = self._target(name)
        if target.publisher is None:
            raise Refused(
                f"target {name} has no path on this server",
                hint="name it in kp.toml: a root by its target, a tree by its image",
            )
        return target.adopt(self._found(target))

    def _target(self, name: str) -> SiteTarget:
        found = {t.name: t for t in self.site.targets(State(self.site.main()))}
        if name not in found:
            raise NotFound(
                f"no target {name!r} is enabled here",
                hint="kp target list; kp target enable NAME",
            )
        return found[name]

    @disk_failures("removing artifacts")
    def gc(self, *, dry_run: bool = False) -> Collected:
        """Remove artifacts that nothing retained names, and sweep the targets.

        See `keeping`; what is younger than the grace time stays, too. The caller
        holds the lock, but for a dry run, which writes nothing.
        """
        main, now = self.site.main(), self.caller.clock()
        keeping = Keeping(self.site, main, now)
        kept = keeping.artifacts()
        if keeping.unread:
            self.caller.notify(f"no artifact is removed: {keeping.unread}")
        before = now - State(main).site().retention.grace
        gone = [
            stored.sha256
            for stored in self.site.artifacts
            if stored.sha256 not in kept and stored.mtime < before
        ]
        if dry_run:
            return Collected(gone)
        gone = [
            each for each in gone if self.site.artifacts.remove(each, before=before)
        ]
        self.site.artifacts.sweep()
        return Collected(gone, keeping.sweep_targets())

    def rebuild_index(self) -> None:
        """Make the derived index anew; the caller holds the lock."""
        feed.rebuild(self.site.index_file, self.site.repository, self.site.tip())
