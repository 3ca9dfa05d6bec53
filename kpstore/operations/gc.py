"""`gc`: artifacts and generations that nothing retained needs go."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

from kpstore.errors import disk_failures
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.retention import Keeping
from kpstore.operations.session import Session
from kpstore.site.opened import OpenSite


class Collected(NamedTuple):
    """The artifacts that went, or would; and why targets were not swept."""

    artifacts: list[str]
    refused: Sequence[str] = ()


def gc(site: OpenSite, caller: Caller, *, dry_run: bool = False) -> Collected:
    """Remove artifacts that nothing retained names, and sweep the targets.

    See `retention`; what is younger than the grace time stays, too. A dry run takes
    no lock and writes nothing.
    """
    locked = nullcontext() if dry_run else Session(site, caller).writing()
    with locked, disk_failures("removing artifacts"):
        main, now = site.main(), caller.clock()
        keeping = Keeping(site, main, now)
        kept = keeping.artifacts()
        if keeping.unread:
            caller.notify(f"no artifact is removed: {keeping.unread}")
        before = now - State(main).site().retention.grace
        gone = [
            stored.sha256
            for stored in site.artifacts
            if stored.sha256 not in kept and stored.mtime < before
        ]
        if dry_run:
            return Collected(gone)
        gone = [each for each in gone if site.artifacts.remove(each, before=before)]
        site.artifacts.sweep()
        return Collected(gone, keeping.sweep_targets())
