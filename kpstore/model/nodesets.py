"""Node sets in ClusterShell's syntax, groups from this site's commit only.

The machine's own ClusterShell configuration is never read: its groups may run shell
commands, and an unknown group is an empty set there.
Syntax: https://clustershell.readthedocs.io/en/latest/tools/nodeset.html
"""

import re
from collections.abc import Callable, Iterable, Mapping

from ClusterShell.NodeSet import NodeSet, NodeSetException
from ClusterShell.NodeUtils import (
    GroupResolver,
    GroupResolverError,
    GroupSource,
    GroupSourceError,
)

from kpstore.errors import InvalidInput, KpError
from kpstore.model.names import check_node_name, missing

_EXTERNAL = re.compile(r"@[^,!&^\s]*:")


class _SiteGroups(GroupSource):  # type: ignore[misc]  # ClusterShell is untyped
    """Groups of one state, each resolved when a set names it."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        super().__init__("kp", groups=None, allgroups=None)
        self._site = groups

    def resolv_map(self, group: str) -> str:
        if group not in self._site:
            raise missing("group", group, self._site)
        return self._site[group]

    def resolv_list(self) -> list[str]:
        return list(self._site)


def expand(texts: Iterable[str], groups: Mapping[str, str]) -> list[str]:
    """Return the node names that the sets name together, sorted as ClusterShell does.

    `groups` maps a group's name to its folded set. InvalidInput for a set that
    doesn't parse or is empty, NotFound for an unknown group.
    """
    text = ",".join(texts)
    names = list(_parse(text, groups))
    if not names:
        raise InvalidInput(f"node set {text!r} is empty")
    for name in names:
        check_node_name(name)
    return names


def fold(names: Iterable[str]) -> str:
    """Return the folded form of node names: `n[001-100]`."""
    folded = NodeSet.fromlist(list(names), resolver=GroupResolver())
    return str(folded)


def members(text: str, groups: Mapping[str, str]) -> frozenset[str]:
    """Return the nodes of a group's set; an empty one has none."""
    return frozenset(_parse(text, groups)) if text.strip() else frozenset()


def _parse(text: str, groups: Mapping[str, str]) -> NodeSet:
    if _EXTERNAL.search(text):
        raise InvalidInput(
            f"node set {text!r} names an external group source",
            hint="groups are this site's own: kp group list",
        )
    if "*" in text or "?" in text:
        raise InvalidInput(
            f"node set {text!r} has a wildcard", hint="name a range: n[001-100]"
        )
    source = _SiteGroups(groups)
    return _guard(
        lambda: NodeSet(text, resolver=GroupResolver(default_source=source)), text
    )


def _guard(parse: Callable[[], NodeSet], text: str) -> NodeSet:
    try:
        return parse()
    except KpError:
        raise
    except (
        NodeSetException,
        GroupSourceError,
        GroupResolverError,
        ValueError,
    ) as error:
        raise InvalidInput(
            f"node set {text!r}: {error}", hint="for example n[001-100],@rack1"
        ) from None
