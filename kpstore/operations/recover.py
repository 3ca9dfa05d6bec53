"""Finishing what a crash left, and bringing targets to main that are behind.

There is no journal to replay: main says what should be served, each target's marker
what is. The same way mends a lagging target, a wiped one and an interrupted switch.
A target that is behind by choice is brought by its name alone.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import partial

from kpstore.errors import CorruptState, KpError
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.census import FullCensus
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.retention import Keeping
from kpstore.operations.staging import Staging, reason
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets import renderer


def sweep(site: OpenSite, now: float, *, doubtful: bool, host: str) -> None:
    """Remove what killed writers left; the caller holds the lock.

    `doubtful`: the last writer, on this `host`, may have left something lying about.
    """
    if not doubtful:
        _quietly(site.artifacts.sweep)  # imports die without the lock, and say nothing
        return
    _quietly(partial(site.sweep, host))
    _quietly(lambda: Keeping(site, site.main(), now).sweep_targets())
    _quietly(site.settle)


def _quietly(step: Callable[[], object]) -> None:
    """Sweep; what can't go now goes another time."""
    with suppress(KpError, OSError):
        step()


def finish(site: OpenSite, now: float, host: str) -> list[TargetOutcome]:
    """Bring those to main that a crash left in the middle of a switch."""
    return _brought(site, now, host, _in_transition)


def catch_up(site: OpenSite, now: float, host: str) -> list[TargetOutcome]:
    """Bring those to main that are behind otherwise than by choice."""
    left = site.left_out(site.tip())
    return _brought(site, now, host, lambda target: target.name not in left)


def _in_transition(target: SiteTarget) -> bool:
    return target.unfinished()


def _brought(
    site: OpenSite, now: float, host: str, wanted: Callable[[SiteTarget], bool]
) -> list[TargetOutcome]:
    """Bring the lagging targets that are wanted; one that fails is said to lag."""
    main = site.main()
    behind: list[SiteTarget] = []
    tried: list[TargetOutcome] = []
    for target in site.targets(State(main)):
        try:
            if wanted(target) and _lags(site, target, main):
                behind.append(target)
        except (KpError, OSError) as error:
            tried.append(_failed(target, error))
    return [*tried, *(_tried(site, target, main, now, host) for target in behind)]


def _lags(site: OpenSite, target: SiteTarget, main: Snapshot) -> bool:
    return target.condition(main.subtree, site.on_main) == "lagging"


def _tried(
    site: OpenSite, target: SiteTarget, main: Snapshot, now: float, host: str
) -> TargetOutcome:
    try:
        return bring(site, target, main, now, host=host)
    except (KpError, OSError) as error:
        return _failed(target, error)


def _failed(target: SiteTarget, error: KpError | OSError) -> TargetOutcome:
    return TargetOutcome(target.name, "lagging", "", 0, reason(error))


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
    staging.add(target, _moves_from(site, target, main))
    staging.note_held()
    return staging.switch()[0]


def _moves_from(site: OpenSite, target: SiteTarget, main: Snapshot) -> Moves | None:
    """Return what leads from what the target serves to main; None: start from nothing.

    Nothing is where the target is empty, was left in the middle of a switch, serves a
    commit that can't be read, was another kind of target then, or drawn by another kp.
    """
    marker = target.marker()
    if marker is None or target.unfinished():
        return None
    if marker.renderer != renderer.name():
        return None
    served = Snapshot(site.repository, marker.commit)
    document = f"targets/{target.name}.json"
    try:
        if served.subtree(document) != main.subtree(document):
            return None
        changes = changes_between(served, main)
    except CorruptState:
        return None
    old = State(served)
    return Moves(old, State(served, changes), FullCensus(old))


def told(outcomes: Collection[TargetOutcome]) -> Iterator[str]:
    """Say what became of targets that were behind."""
    for outcome in outcomes:
        if outcome.condition == "live":
            yield f"target {outcome.name} was behind and is brought to main"
        else:
            yield f"target {outcome.name} lags: {outcome.problem}"
