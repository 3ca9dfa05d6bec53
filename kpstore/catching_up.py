"""What leads from what a target serves to what it should serve."""

from kpstore.errors import CorruptState
from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.census import FullCensus
from kpstore.model.moves import Moves
from kpstore.model.state import Empty, State
from kpstore.publish.target import Marker
from kpstore.reader import SiteReader
from kpstore.targets import SiteTarget


def moves_from(site: SiteReader, target: SiteTarget, main: Snapshot) -> Moves:
    """Return what leads from what the target serves to main; from nothing if unsure."""
    marker = target.marker()
    unfinished = target.publisher is not None and target.publisher.unfinished()
    if marker is None or unfinished or not _readable(site, marker):
        return full_moves(main)
    served = Snapshot(site.repository, marker.commit)
    document = f"targets/{target.name}.json"
    if served.subtree(document) != main.subtree(document):
        return full_moves(main)
    old, changes = State(served), changes_between(served, main)
    return Moves(old, State(served, changes), FullCensus(old))


def full_moves(main: Snapshot) -> Moves:
    """Return the moves that lead from nothing to all that main holds."""
    nothing = State(Empty())
    everything = changes_between(Snapshot(main.repository, None), main)
    return Moves(nothing, State(Empty(), everything), FullCensus(nothing))


def _readable(site: SiteReader, marker: Marker) -> bool:
    try:
        site.repository.commit(marker.commit)
    except CorruptState:
        return False
    return True
