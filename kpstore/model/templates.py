"""Templates: what the nodes of one combination boot; one menu for all of them."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from kpstore.errors import KpError
from kpstore.model.documents import Group, Node
from kpstore.model.nodesets import members
from kpstore.model.params.layers import Layer

# Who says the parameters of a template's own layers, as it is one for many nodes.
NODE: Final = "node"
NEXT: Final = "next boot"


class Template(NamedTuple):
    """The key of a template.

    It is independent of kernels and defaults, so that a node's entry point stays as
    it is when its image changes.
    `entry` is empty for the image's default; `params` and `without` are the node's
    own, `next_params` and `next_without` its next boot's, unmerged, so that no rule of
    merging moves a node. `image` is empty for nodes without one (the unknown-node
    policy).
    """

    image: str
    entry: str = ""
    groups: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    next_params: tuple[str, ...] = ()
    next_without: tuple[str, ...] = ()

    @property
    def own(self) -> list[Layer]:
        """Return the layers of its nodes."""
        return [
            Layer(NODE, self.params, self.without),
            Layer(NEXT, self.next_params, self.next_without),
        ]

    @property
    def name(self) -> str:
        """Return its name on a target: `web~0123456789ab`, or `policy`."""
        return _name(self)


_OF_BEFORE: Final = 4  # fields that a template had before there was `without`


@lru_cache(maxsize=4096)
def _name(template: Template) -> str:
    if not template.image:
        return "policy"
    late = any((template.without, template.next_params, template.next_without))
    key = json.dumps(template[1:] if late else template[1:_OF_BEFORE])
    return f"{template.image}~{hashlib.sha256(key.encode()).hexdigest()[:12]}"


UNKNOWN_NODE: Final = Template("")


class Membership:
    """Which groups with parameters each node is in.

    Groups without parameters don't shape a template, so tagging nodes moves none. A
    group whose set names one that isn't there reaches nobody.
    """

    def __init__(self, groups: Mapping[str, Group]) -> None:
        self._groups = groups

    @cached_property
    def _members(self) -> dict[str, frozenset[str]]:
        sets = {name: group.nodes for name, group in self._groups.items()}
        return {
            name: _members_or_none(group.nodes, sets)
            for name, group in sorted(self._groups.items())
            if group.params or group.without
        }

    def of(self, node: str) -> tuple[str, ...]:
        """Return the node's groups, sorted by name."""
        return tuple(name for name, nodes in self._members.items() if node in nodes)

    def moved(self, other: "Membership") -> set[str]:
        """Return the names whose groups differ between the two."""
        empty: frozenset[str] = frozenset()
        ours, theirs = self._members, other._members
        return {
            node
            for name in ours.keys() | theirs.keys()
            for node in ours.get(name, empty) ^ theirs.get(name, empty)
        }


def _members_or_none(nodes: str, groups: Mapping[str, str]) -> frozenset[str]:
    try:
        return members(nodes, groups)
    except KpError:
        return frozenset()


def template_of(node: Node, groups: tuple[str, ...]) -> Template:
    """Return the template that the node boots by."""
    image, entry = node.image or "", ""
    late: tuple[tuple[str, ...], ...] = ()
    if node.next is not None:
        image, entry = next_entry(node.next.entry, node.image)
        late = node.next.params, node.next.without
    if not image:
        return UNKNOWN_NODE
    return Template(image, entry, groups, node.params, node.without, *late)


def next_entry(entry: str, image: str | None) -> tuple[str, str]:
    """Split `[IMAGE/]NAME` of a next-boot override into image and entry."""
    other, _, name = entry.rpartition("/")
    return other or image or "", name
