"""The index as a census, and the census of a commit as what the index is fed."""

import json
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.history.index.steps import HeldValue, NodeChange, Step
from kpstore.history.revisions import Revision, with_image
from kpstore.model.census import FullCensus, Held, unique_values
from kpstore.model.documents import Node, Site, VariableRule
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


def of_moves(parent: str | None, revision: Revision, moves: Moves) -> Step:
    """Return what a commit did, from the moves that it makes."""
    touched = [place for key in moves.new.changes for place in with_image(key)]
    touched += [("boot", name, "") for name in moves.touched_nodes]
    keys, pairs = _Keys(), moves.nodes.items()
    step = Step(
        parent,
        revision,
        touched,
        nodes=[
            NodeChange(n, keys.get(m.old_template), keys.get(m.new_template))
            for n, m in pairs
        ],
        turned=[keys[template] for template in moves.changed_templates],
    )
    before, rules = moves.old.get(Key("site")), moves.new.site().variables
    if not isinstance(before, Site) or before.variables != rules:
        return step._replace(taken=_all_held(moves.new), relisted=True)
    return step._replace(
        freed=[held for _, move in pairs for held in _held(move.old, rules)],
        taken=[held for _, move in pairs for held in _held(move.new, rules)],
    )


def of_state(step: Step, state: State) -> Step:
    """Return the same commit's step with the whole census, by reading every node."""
    if state.get(Key("site")) is None:
        return step._replace(relisted=True, anew=True)
    census, keys = FullCensus(state), _Keys()
    pairs = ((node.name, census.template_of(node.name)) for node in state.nodes())
    nodes = [NodeChange(name, None, keys.get(template)) for name, template in pairs]
    held = _all_held(state)
    return step._replace(nodes=nodes, taken=held, relisted=True, anew=True)


def _all_held(state: State) -> list[HeldValue]:
    rules = state.site().variables
    return [held for node in state.nodes() for held in _held(node, rules)]


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
        image, entry, *more = json.loads(key)
        return Template(image, entry, *map(tuple, more))
    except (ValueError, TypeError) as error:
        raise IndexFailed(f"it has the template {key!r}") from error
