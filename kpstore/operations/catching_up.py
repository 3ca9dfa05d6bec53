"""What leads from what a target serves to what it should serve."""

from kpstore.errors import CorruptState
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.census import FullCensus
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.site.reader import SiteReader
from kpstore.site.targets import SiteTarget


def moves_from(site: SiteReader, target: SiteTarget, main: Snapshot) -> Moves | None:
    """Return what leads from what the target serves to main; None: start from nothing.

    Nothing is where the target is empty, was left in the middle of a switch, serves a
    commit that can't be read, or was another kind of target then.
    """
    marker = target.marker()
    if marker is None or target.unfinished():
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
