"""Whether a commit changed what a node boots, told by reading it and its parent."""

from collections.abc import Collection
from typing import Final

from kpstore.errors import KpError
from kpstore.history.git.objects import CommitInfo
from kpstore.history.git.repository import Repository
from kpstore.history.paths import Place
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, resolve, template_in
from kpstore.model.documents import Node
from kpstore.model.keys import Key
from kpstore.model.moves import same_boot
from kpstore.model.state import State

_SHAPING: Final = frozenset({"site", "image", "entry", "kernel", "group"})


def changed(
    repository: Repository, commit: CommitInfo, touched: Collection[Place], node: str
) -> bool:
    """Tell whether a commit, which touched these, changed a node or what it boots."""
    if ("node", node, "") in touched:
        return True
    if not commit.parents or not any(kind in _SHAPING for kind, *_ in touched):
        return False
    before, after = (
        _boot(Snapshot(repository, each), node)
        for each in (commit.parents[0], commit.id)
    )
    return not same_boot(before, after)


def _boot(snapshot: Snapshot, name: str) -> Boot | None:
    """Return what a node boots; None by the policy, and where that can't be told."""
    state = State(snapshot)
    try:
        node = state.get(Key("node", name))
        if not isinstance(node, Node):
            return None
        return resolve(state, template_in(state, node))
    except KpError:
        return None
