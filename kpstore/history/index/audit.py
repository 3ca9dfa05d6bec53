"""The census that an index has, held against what a commit says."""

from kpstore.history.index.census import IndexCensus
from kpstore.history.index.database import Index
from kpstore.model.census import FullCensus, unique_values
from kpstore.model.state import State


def differing(index: Index, state: State) -> str:
    """Name what the index says otherwise first; '' where nothing differs.

    Every node is read. CorruptState where one can't be, IndexFailed.
    """
    known, counted = IndexCensus(index), FullCensus(state)
    templates = counted.templates()
    if known.templates() != templates:
        return "how many nodes boot alike"
    for each in templates:
        names = set(known.nodes_of(each)) ^ set(counted.nodes_of(each))
        if names:
            return f"what {min(names)} boots"
    rules = state.site().variables
    held = {v: node.name for node in state.nodes() for v in unique_values(node, rules)}
    told = known.holders(held)
    differ = [value for value, node in held.items() if told.get(value) != node]
    return f"who has {' '.join(min(differ))}" if differ else ""
