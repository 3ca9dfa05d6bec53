"""What is allowed and may not be meant: where a node's own disk has the last word."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from kpstore.errors import NotFound
from kpstore.model.boot import base_layers, disk_default
from kpstore.model.moves import Moves, image_of
from kpstore.model.nodesets import fold
from kpstore.model.params.layers import Replaced
from kpstore.model.state import State
from kpstore.model.templates import NEXT, NODE, Template

_NAMED_NODES: Final = 1000


def cautions(moves: Moves) -> Iterator[str]:
    """Say what of an edit does not reach the nodes that it is about."""
    yield from _of_disks(moves)
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
    names: dict[Replaced, list[str]] = {gone: [] for gone in _of_entries(moves)}
    pairs: dict[tuple[Template | None, Template], list[str]] = {}
    for name, move in moves.nodes.items():
        if move.new_template:
            pairs.setdefault((move.old_template, move.new_template), []).append(name)
    for template in moves.changed_templates:
        stayed = [n for n in moves.census.nodes_of(template) if n not in moves.nodes]
        pairs[template, template] = stayed
    for (old, new), found in pairs.items():
        before = moves.old_boot(old) if old else None
        known = set(before.line.replaced) if before else set()
        after = moves.new_boot(new)
        for gone in after.line.replaced if after else ():
            if gone not in known:
                names.setdefault(gone, []).extend(found)
    return [_loss(gone, found) for gone, found in names.items()]


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


def _loss(gone: Replaced, names: list[str]) -> Loss:
    origin, by = (_named(layer, names) for layer in (gone.origin, gone.by))
    return Loss(gone.token, origin, by, gone.gave_way_to, len(names))


def _named(layer: str, names: list[str]) -> str:
    if layer not in (NODE, NEXT):
        return layer
    count = len(names)
    who = fold(names) if count <= _NAMED_NODES else f"{count:,} nodes"
    return f"{layer} {who}" if layer == NODE else f"{layer} of {who}"


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
