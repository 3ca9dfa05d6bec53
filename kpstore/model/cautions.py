"""What is allowed and may not be meant: where a node's own disk has the last word."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kpstore.errors import NotFound
from kpstore.model.boot import base_layers, disk_default
from kpstore.model.folding import counted
from kpstore.model.moves import Moves, image_of
from kpstore.model.nodesets import fold
from kpstore.model.params.layers import Replaced
from kpstore.model.state import State
from kpstore.model.templates import NEXT, NODE, Template

_NAMED: Final = 1000  # nodes; more are counted


def cautions(moves: Moves) -> Iterator[str]:
    """Say what of an edit does not reach the nodes that it is about."""
    yield from _of_disks(moves)
    yield from _of_loaders(moves)
    unheard: Counter[tuple[str, str]] = Counter()
    elsewhere: Counter[tuple[str, str]] = Counter()
    for template in moves.touched_templates:
        count, boot = moves.templates[template], moves.new_boot(template)
        if boot is None or boot.method != "local":
            continue
        what = f"{boot.image}/{boot.entry}"
        if template.groups or _is_shaped(template):
            unheard[what, _sources(template)] += count
        disk = disk_default(moves.new, boot.image)
        if boot.entry != disk:
            elsewhere[what, f"{boot.image}/{disk}"] += count
    for (what, sources), count in sorted(unheard.items()):
        yield (
            f"{what} boots from its nodes' own disks: {sources} don't reach them "
            f"(nodes: {count})"
        )
    for (what, other), count in sorted(elsewhere.items()):
        yield (
            f"{what} is set as next boot, and the nodes' own disks boot {other} "
            f"(nodes: {count})"
        )


def _of_loaders(moves: Moves) -> Iterator[str]:
    """Name the nodes whose only loader is written for no more."""
    for lost in moves.dropped:
        who = _Who()
        for template in moves.served_by(lost):
            count = moves.templates[template]
            few = moves.census.nodes_of(template) if count <= _NAMED else ()
            who.add(count, few)
        if who.count and lost.alone:
            yield (
                f"target {lost.target}: nodes that boot through "
                f"{' or '.join(lost.loaders)} alone find no menu any more: {who}"
            )


def _sources(template: Template) -> str:
    own = ["their own parameters"] if _is_shaped(template) else []
    groups = f"parameters of group {', '.join(template.groups)}"
    return " and ".join([groups, *own] if template.groups else own)


def _is_shaped(template: Template) -> bool:
    return any(layer.params or layer.without for layer in template.own)


class Loss(NamedTuple):
    """A parameter that is in lines of nodes no more, and of how many.

    `origin` and `by` name the layers; of nodes, up to 1,000 of them.
    """

    token: str
    origin: str
    by: str
    gave_way_to: tuple[str, ...]
    nodes: int


def losses(moves: Moves) -> list[Loss]:
    """Name each parameter that an upper layer replaces or takes away by the edit."""
    found: dict[Replaced, _Who] = {gone: _Who() for gone in _of_entries(moves)}
    came: dict[tuple[Template | None, Template], list[str]] = {}
    stayed = Counter({t: moves.templates[t] for t in moves.changed_templates})
    for name, move in moves.nodes.items():
        if move.new_template:
            came.setdefault((move.old_template, move.new_template), []).append(name)
            stayed[move.new_template] -= move.new_template in stayed
    for (old, new), names in came.items():
        for gone in _fresh(moves, old, new):
            found.setdefault(gone, _Who()).add(len(names), names)
    for template in moves.changed_templates:
        for gone in _fresh(moves, template, template):
            count, own = stayed[template], {NODE, NEXT} & {gone.origin, gone.by}
            few = moves.census.nodes_of(template) if own and count <= _NAMED else ()
            names = [name for name in few if name not in moves.nodes]
            found.setdefault(gone, _Who()).add(count, names)
    return [_loss(gone, who) for gone, who in found.items()]


@dataclass
class _Who:
    """Nodes: how many, and their names where these were worth reading."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, count: int, names: Iterable[str]) -> None:
        self.count += count
        self.names += names

    def __str__(self) -> str:
        if len(self.names) == self.count <= _NAMED:
            return fold(self.names)
        return counted(self.count, "node")


def _fresh(moves: Moves, old: Template | None, new: Template) -> Iterator[Replaced]:
    """Yield what a template's line loses now, and that of before did not."""
    before, after = moves.old_boot(old) if old else None, moves.new_boot(new)
    known = set(before.line.replaced) if before else set()
    for gone in after.line.replaced if after else ():
        if gone not in known:
            yield gone


def _of_entries(moves: Moves) -> Iterator[Replaced]:
    """Yield what entries replace of their image's, whoever boots them."""
    for image in sorted({image_of(key) for key in moves.new.changes} - {""}):
        for entry in moves.new.names("entry", image):
            known = _replaced(moves.old, image, entry)
            yield from (e for e in _replaced(moves.new, image, entry) if e not in known)


def _replaced(state: State, image: str, entry: str) -> tuple[Replaced, ...]:
    try:
        layers = base_layers(state, image, entry)
    except NotFound:
        return ()
    return state.site().rules.merge(layers).replaced


def _loss(gone: Replaced, who: _Who) -> Loss:
    origin, by = (_named(layer, who) for layer in (gone.origin, gone.by))
    return Loss(gone.token, origin, by, gone.gave_way_to, who.count)


def _named(layer: str, who: _Who) -> str:
    said = {NODE: f"{NODE} {who}", NEXT: f"{NEXT} of {who}"}
    return said.get(layer, layer)


def _of_disks(moves: Moves) -> Iterator[str]:
    """Tell which entry disks boot now whose image's default is only on the network."""
    for image in sorted({image_of(key) for key in moves.new.changes} - {""}):
        chosen, disk = _defaults(moves.new, image)
        if disk and disk != chosen and disk != _defaults(moves.old, image)[1]:
            yield (
                f"{image}/{chosen}, the default, comes over the network only: when no "
                f"server answers, disks boot {image}/{disk}"
            )


def _defaults(state: State, image: str) -> tuple[str | None, str | None]:
    try:
        return state.image(image).default, disk_default(state, image)
    except NotFound:
        return None, None
