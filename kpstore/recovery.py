"""Finishing what a crash left: every target that lags is brought to main.

There is no journal to replay: main says what should be served, each target's marker
what is. The same way mends a lagging target, a wiped one and an interrupted switch.
"""

from contextlib import suppress
from functools import partial

from kpstore.catching_up import moves_from
from kpstore.errors import KpError
from kpstore.history.snapshot import Snapshot
from kpstore.model.state import State
from kpstore.outcome import TargetOutcome
from kpstore.site import OpenSite
from kpstore.staging import Staging, reason
from kpstore.targets import SiteTarget


def finish(site: OpenSite, now: float, *, doubtful: bool) -> list[TargetOutcome]:
    """Bring every lagging target to main; return those that were tried.

    The caller holds the lock. One that fails stays lagging, and is said to be.
    `doubtful`: the last writer may have left something lying about.
    """
    main = site.main()
    if doubtful:
        _sweep(site, main, now)
    tried = []
    for target in site.targets(State(main)):
        try:
            if target.condition(main.subtree, site.on_main) == "lagging":
                tried.append(bring(site, target, main, now))
        except (KpError, OSError) as error:
            tried.append(TargetOutcome(target.name, "lagging", "", 0, reason(error)))
    return tried


def _sweep(site: OpenSite, main: Snapshot, now: float) -> None:
    """Remove what killed writers left; what can't go now goes another time."""
    for step in (
        site.repository.sweep,
        site.artifacts.sweep,
        partial(site.sweep_targets, main, now),
    ):
        with suppress(KpError, OSError):
            step()


def bring(
    site: OpenSite, target: SiteTarget, main: Snapshot, now: float
) -> TargetOutcome:
    """Stage and switch one target to main; KpError or OSError when it fails."""
    assert main.commit
    revision = site.record(main.commit).revision
    staging = Staging(site, main, revision, now=now, go_through=True, committed=True)
    staging.add(target, moves_from(site, target, main), staging.marker(target))
    return staging.switch()[0]


def told(outcome: TargetOutcome) -> str:
    """Say what became of a target that was behind."""
    if outcome.condition == "live":
        return f"target {outcome.name} was behind and is brought to main"
    return f"target {outcome.name} lags: {outcome.problem}"
