"""What is served, held against the commit that each target says it serves."""

from collections.abc import Collection
from dataclasses import dataclass, field

from kpstore.errors import disk_failures
from kpstore.history.snapshot import Snapshot
from kpstore.model.bulk import uncollected
from kpstore.model.state import State
from kpstore.site import drift
from kpstore.site.comparing import compared
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets.values import Condition, Finding, Look


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


@disk_failures("verifying")
def verify(
    site: OpenSite, now: float, names: Collection[str] = (), *, deep: bool
) -> list[Verified]:
    """Compare every target (or those named) with the commit that it serves.

    Not `deep`, look only for what changed since kp last wrote there, at a cost
    that doesn't grow with the nodes; where that isn't known, names, links and
    menus are compared. `now`: seconds since 1970, UTC.
    """
    main = site.main()
    with uncollected():
        return [
            _verify(site, target, main, now, deep=deep)
            for target in site.targets(State(main))
            if not names or target.name in names
        ]


def _verify(
    site: OpenSite, target: SiteTarget, main: Snapshot, now: float, *, deep: bool
) -> Verified:
    condition = target.condition(main.subtree, site.on_main)
    if not deep and condition not in ("absent", "ahead"):
        seen = _seen(site, target)
        if seen is not None and seen.sure:
            return Verified(target.name, condition, seen.findings)
        deep = seen is not None  # something changed: what, only all of it tells
    found = compared(site, target, condition, now, deep=deep)
    return Verified(target.name, condition, found)


def _seen(site: OpenSite, target: SiteTarget) -> Look | None:
    known = drift.sighted(site.settings, target.spec)
    return drift.drift(known, site, files=True) if known else None
