"""What is asked of all nodes at once: templates in use, who holds an address."""

from collections import Counter
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Literal, Protocol

from kpstore.model.documents import Node, Site, VariableRule
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, template_of

Unique = Literal["mac", "ip", "index", "var"]
Held = tuple[Unique, str]
"""What one node holds alone: a MAC, an IP, an index (`IMAGE/17`), a variable."""


class Census(Protocol):
    """Answers about the nodes of one commit."""

    def templates(self) -> Mapping[Template, int]:
        """Return the templates in use and how many nodes boot by each."""

    def template_of(self, node: str) -> Template | None:
        """Return a node's template; None for an unknown node."""

    def holders(self, values: Collection[Held]) -> dict[Held, str]:
        """Return the nodes that hold any of these values."""

    def nodes_of(self, template: Template) -> list[str]:
        """Return the names of the nodes that boot by a template, sorted."""

    def macs(self) -> Mapping[Template, list[str]]:
        """Return the MACs of the nodes that boot by each template."""


def unique_values(node: Node, rules: Mapping[str, VariableRule]) -> list[Held]:
    """Return what the node holds that no other node may hold.

    An index or variable that is declared unique is so among the nodes of an image.
    """
    held: list[Held] = [("mac", mac) for mac in node.macs]
    held += [("ip", ip) for ip in node.ips]
    unique = [name for name, rule in rules.items() if rule.unique]
    if "index" in unique and node.index is not None:
        held.append(("index", f"{node.image}/{node.index}"))
    held += [
        ("var", f"{node.image}/{name}={node.vars[name]}")
        for name in unique
        if name in node.vars
    ]
    return held


class FullCensus:
    """A census taken by reading every node: right wherever no index stands."""

    def __init__(self, state: State) -> None:
        self._of: dict[str, Template] = {}
        self._holders: dict[Held, str] = {}
        site = state.get(Key("site"))
        if isinstance(site, Site):  # else it is the state before the first commit
            self._count(state, site)

    def _count(self, state: State, site: Site) -> None:
        membership = Membership(state.groups())
        for node in state.nodes():
            groups = membership.of(node.name)
            self._of[node.name] = template_of(node, groups)
            for held in unique_values(node, site.variables):
                self._holders.setdefault(held, node.name)

    def templates(self) -> Mapping[Template, int]:
        """Return the templates in use and how many nodes boot by each."""
        return Counter(self._of.values())

    def template_of(self, node: str) -> Template | None:
        """Return a node's template; None for an unknown node."""
        return self._of.get(node)

    def holders(self, values: Collection[Held]) -> dict[Held, str]:
        """Return the nodes that hold any of these values."""
        return {held: self._holders[held] for held in values if held in self._holders}

    def nodes_of(self, template: Template) -> list[str]:
        """Return the names of the nodes that boot by a template, sorted."""
        return sorted(self._by_template.get(template, ()))

    @cached_property
    def _by_template(self) -> dict[Template, list[str]]:
        found: dict[Template, list[str]] = {}
        for name, template in self._of.items():
            found.setdefault(template, []).append(name)
        return found

    def macs(self) -> Mapping[Template, list[str]]:
        """Return the MACs of the nodes that boot by each template."""
        found: dict[Template, list[str]] = {}
        for (what, value), name in self._holders.items():
            if what == "mac":
                found.setdefault(self._of[name], []).append(value)
        return found
