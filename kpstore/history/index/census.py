"""The index as a census, and the census of a commit as what the index is fed."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.history.index.steps import HeldValue, NodeChange, Step
from kpstore.history.revisions import Revision, with_image
from kpstore.model.census import FullCensus, Held, unique_values
from kpstore.model.documents import Node, VariableRule
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.model.templates import Template


class IndexCensus:
    """Implements `model.census.Census` for the commit where the index stands."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def templates(self) -> Mapping[Template, int]:
        """Return the templates in use and how many nodes boot by each."""
        return {_template(key): n for key, n in self._index.templates().items()}

    def template_of(self, node: str) -> Template | None:
        """Return a node's template; None for an unknown node."""
        key = self._index.template_of(node)
        return None if key is None else _template(key)

    def holders(self, values: Collection[Held]) -> dict[Held, str]:
        """Return the nodes that hold any of these values."""
        return self._index.holders(values)

    def nodes_of(self, template: Template) -> list[str]:
        """Return the names of the nodes that boot by a template, sorted."""
        return self._index.nodes_of(_key(template))

    def macs(self) -> Mapping[Template, list[str]]:
        """Return the MACs of the nodes that boot by each template."""
        return {_template(key): macs for key, macs in self._index.macs().items()}


class Filling(NamedTuple):
    """A whole census in the index's terms."""

    nodes: list[NodeChange]
    held: list[HeldValue]


def filling(state: State) -> Filling:
    """Take the census of a state by reading every node."""
    if state.get(Key("site")) is None:
        return Filling([], [])
    census, rules = FullCensus(state), state.site().variables
    keys = _Keys()
    nodes: list[NodeChange] = []
    held: list[HeldValue] = []
    for node in state.nodes():
        template = census.template_of(node.name)
        assert template is not None  # the census is of these very nodes
        nodes.append(NodeChange(node.name, None, keys[template]))
        held += _held(node, rules)
    return Filling(nodes, held)


def feed(index: Index, parent: str | None, revision: Revision, moves: Moves) -> None:
    """Feed a commit that has just been made, from the moves it was planned by.

    Conflict when the index does not stand at `parent`.
    """
    touched = [place for key in moves.new.changes for place in with_image(key)]
    if Key("site") in moves.new.changes:  # its rules decide what is unique
        nodes, held = filling(moves.new)
        index.feed(Step(parent, revision, touched, nodes, (), held, anew=True))
        return
    rules = moves.new.site().variables
    keys = _Keys()
    pairs = moves.nodes.items()
    index.feed(
        Step(
            parent,
            revision,
            touched,
            nodes=[
                NodeChange(n, keys.get(m.old_template), keys.get(m.new_template))
                for n, m in pairs
            ],
            freed=[held for _, move in pairs for held in _held(move.old, rules)],
            taken=[held for _, move in pairs for held in _held(move.new, rules)],
        )
    )


def _held(node: Node | None, rules: Mapping[str, VariableRule]) -> Iterator[HeldValue]:
    if node is not None:
        for what, value in unique_values(node, rules):
            yield HeldValue(what, value, node.name)


class _Keys(dict[Template, str]):
    """Keys by template: 100,000 nodes have a handful of templates."""

    def __missing__(self, template: Template) -> str:
        self[template] = _key(template)
        return self[template]

    def get(self, template: Template | None, _: object = None) -> str | None:  # type: ignore[override]  # None stays None
        return None if template is None else self[template]


def _key(template: Template) -> str:
    return json.dumps(template, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=8192)  # a commit asks for all of them some times
def _template(key: str) -> Template:
    try:
        image, entry, groups, params = json.loads(key)
        return Template(image, entry, tuple(groups), tuple(params))
    except (ValueError, TypeError) as error:
        raise IndexFailed(f"it has the template {key!r}") from error
