"""What is allowed and may not be meant: where a node's own disk has the last word."""

from collections import Counter
from collections.abc import Iterator

from kpstore.errors import NotFound
from kpstore.model.boot import disk_default
from kpstore.model.moves import Moves, image_of
from kpstore.model.state import State
from kpstore.model.templates import Template


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
