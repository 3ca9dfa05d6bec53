"""Finishing what a crash left: every target that lags is brought to main.

There is no journal to replay: main says what should be served, each target's marker
what is. The same way mends a lagging target, a wiped one and an interrupted switch.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from kpstore.catching_up import moves_from
from kpstore.errors import KpError
from kpstore.history.snapshot import Snapshot
from kpstore.keeping import Keeping
from kpstore.model.state import State
from kpstore.outcome import TargetOutcome
from kpstore.site.opened import OpenSite
from kpstore.site.reader import MAIN
from kpstore.staging import Staging, reason
from kpstore.targets import SiteTarget


def finish(
    site: OpenSite, now: float, *, doubtful: bool, host: str
) -> list[TargetOutcome]:
    """Bring every lagging target to main; return those that were tried.

    The caller holds the lock. One that fails stays lagging, and is said to be.
    `doubtful`: the last writer, on this `host`, may have left something lying about.
    """
    main = site.main()
    behind: list[SiteTarget] = []
    unclear: list[TargetOutcome] = []
    for target in site.targets(State(main)):
        try:
            if target.condition(main.subtree, site.on_main) == "lagging":
                behind.append(target)
        except (KpError, OSError) as error:
            unclear.append(_failed(target, error))
    if doubtful or behind:
        _sweep(site, main, now, host)
    else:
        _quietly(site.artifacts.sweep)  # imports die without the lock, and say nothing
    return unclear + [_tried(site, target, main, now, host) for target in behind]


def _tried(
    site: OpenSite, target: SiteTarget, main: Snapshot, now: float, host: str
) -> TargetOutcome:
    try:
        return bring(site, target, main, now, host=host)
    except (KpError, OSError) as error:
        return _failed(target, error)


def _failed(target: SiteTarget, error: KpError | OSError) -> TargetOutcome:
    return TargetOutcome(target.name, "lagging", "", 0, reason(error))


def _sweep(site: OpenSite, main: Snapshot, now: float, host: str) -> None:
    """Remove what killed writers left."""
    _quietly(partial(site.sweep, host))
    _quietly(lambda: Keeping(site, main, now).sweep_targets())
    _quietly(site.settle)


def _quietly(step: Callable[[], object]) -> None:
    """Sweep; what can't go now goes another time."""
    with suppress(KpError, OSError):
        step()


def bring(
    site: OpenSite, target: SiteTarget, main: Snapshot, now: float, *, host: str
) -> TargetOutcome:
    """Stage and switch one target to main; KpError or OSError when it fails.

    Main is made durable first: who moved it may have been killed before it was, and
    what a power cut may take back must not be served.
    """
    assert main.commit
    site.repository.settle(MAIN, host=host)
    revision = site.record(main.commit).revision
    staging = Staging(site, main, revision, now=now, go_through=True, committed=True)
    staging.add(target, moves_from(site, target, main), staging.marker(target))
    return staging.switch()[0]


def told(outcome: TargetOutcome) -> str:
    """Say what became of a target that was behind."""
    if outcome.condition == "live":
        return f"target {outcome.name} was behind and is brought to main"
    return f"target {outcome.name} lags: {outcome.problem}"
