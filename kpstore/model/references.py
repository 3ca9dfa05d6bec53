"""Who names whom: what stands in the way of a document that goes."""

from collections.abc import Iterator

from kpstore.errors import KpError
from kpstore.model.documents import Node, Site
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.nodesets import members
from kpstore.model.state import State


class _Asked(dict[str, str]):
    """Groups without members, which remembers those that a set asks for."""

    def __contains__(self, name: object) -> bool:
        self[str(name)] = ""
        return True


def groups_named(nodes: str) -> frozenset[str]:
    """Return the groups that a node set names itself, ranges of them one by one."""
    asked = _Asked()
    members(nodes, asked)
    return frozenset(asked)


def groups_naming(state: State, name: str) -> list[str]:
    """Return the groups whose node sets name a group, sorted."""
    return [g for g, group in state.groups().items() if name in _named(group.nodes)]


def _named(nodes: str) -> frozenset[str]:
    try:
        return groups_named(nodes) if "@" in nodes else frozenset()
    except KpError:  # a set that can't be read names nobody
        return frozenset()


def locked(state: State) -> dict[str, str]:
    """Return the nodes that the site's locks name, each with the reason."""
    site = state.get(Key("site"))
    locks = site.locks if isinstance(site, Site) else {}
    return {name: why for why, nodes in locks.items() for name in members(nodes, {})}


def nodes_of_image(moves: Moves, image: str) -> Iterator[Node]:
    """Yield the nodes that are of an image and boot another next.

    Those that boot it are counted by `moves.templates`; these hide from it.
    """
    for template in moves.templates:
        if template.entry and template.image != image:
            yield from (n for n in moves.members(template) if n.image == image)
