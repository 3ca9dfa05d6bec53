"""What the index is fed: one step a commit."""

from collections.abc import Iterable
from typing import NamedTuple

from kpstore.history.paths import Place
from kpstore.history.revisions import Revision


class NodeChange(NamedTuple):
    """A node before and after: its template's key; None where it does not exist."""

    name: str
    old: str | None
    new: str | None


class HeldValue(NamedTuple):
    """A unique value and the node that holds it: `what` as in `model.census`."""

    what: str
    value: str
    node: str


class Step(NamedTuple):
    """One commit on its way into the index; `parent` is what main was before.

    `turned` are the keys of templates whose nodes boot otherwise. With `relisted`
    what is taken is all that nodes hold, with `anew` the nodes are all that there are,
    too; else both are what changed.
    """

    parent: str | None
    revision: Revision
    touched: Iterable[Place]
    nodes: Iterable[NodeChange] = ()
    freed: Iterable[HeldValue] = ()
    taken: Iterable[HeldValue] = ()
    turned: Iterable[str] = ()
    relisted: bool = False
    anew: bool = False
