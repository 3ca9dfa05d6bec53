"""Edits of groups."""

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, Unpack

from kpstore.edits import layers
from kpstore.errors import NotFound, Refused
from kpstore.model.documents import Group
from kpstore.model.keys import Key
from kpstore.model.moves import group_sets
from kpstore.model.names import missing
from kpstore.model.nodesets import canonical, fold, less, members
from kpstore.model.params.wording import Tokens
from kpstore.model.references import groups_named, groups_naming
from kpstore.model.state import State
from kpstore.model.validation import make, replace


def add(state: State, name: str, fields: dict[str, Any]) -> None:
    """Add a group; `nodes` is a node set of names and known groups."""
    group = make(Group, _checked(state, fields), f"group {name}")
    state.add(Key("group", name), group)


def refuse_strangers(state: State, name: str, before: str = "") -> None:
    """Refuse nodes of a group that the site doesn't have; those of `before` may stay.

    Groups that it names answer for their own. NotFound names the nodes, and the
    nearest of the known ones.
    """
    own = dict.fromkeys(state.names("group"), "")
    come = members(state.group(name).nodes, own) - members(before, own)
    strange = {node for node in come if state.get(Key("node", node)) is None}
    if strange:
        error = missing("node", min(strange), state.names("node"))
        raise NotFound(
            f"group {name}: no node {fold(strange)} here",
            hint=f"{error.hint}; --future takes nodes that are still to come",
        )


def change(
    state: State, name: str, fields: dict[str, Any], **tokens: Unpack[Tokens]
) -> list[str]:
    """Set fields of a group and change its parameters; say what is worth a word."""
    origin = f"group {name}"
    group = replace(state.group(name), _checked(state, fields), origin)
    below = partial(layers.of_images, state)
    group, notes = layers.reword(state, group, origin, tokens, below)
    state.put(Key("group", name), group)
    return notes


def regroup(state: State, name: str, add: str = "", drop: str = "") -> None:
    """Add the nodes of a set to a group, then take those of another out of it."""
    group = state.group(name)
    text = ",".join(part for part in (group.nodes, add) if part)
    text = f"{text}!{drop}" if text and drop else text
    inside = members(text, group_sets(state))
    nodes = {"nodes": text if "@" in text else fold(inside)}
    state.put(Key("group", name), replace(group, nodes, f"group {name}"))


def rename(state: State, old: str, new: str) -> None:
    """Have a node of another name be in the same groups.

    Those without groups in them come first: what names them follows by itself.
    """
    wanted = set(of_node(state, old))
    leave(state, {old})
    names = state.names("group")
    for name in sorted(names, key=lambda name: _depth(state, name)):
        inside = members(state.group(name).nodes, group_sets(state))
        if name in wanted and new not in inside:
            regroup(state, name, add=new)
        elif name not in wanted and new in inside:
            regroup(state, name, drop=new)


def leave(state: State, nodes: Collection[str]) -> None:
    """Take nodes out of every group that names them."""
    for name, group in state.groups().items():
        left = less(group.nodes, nodes)
        if left != group.nodes:
            made = replace(group, {"nodes": left}, f"group {name}")
            state.put(Key("group", name), made)


def _depth(state: State, name: str) -> int:
    """Return how many groups deep a group names others."""
    inner = groups_named(state.group(name).nodes)
    return 1 + max((_depth(state, each) for each in inner), default=0)


def of_node(state: State, node: str) -> list[str]:
    """Return the groups that a node is in, sorted."""
    sets = group_sets(state)
    return [name for name, nodes in sets.items() if node in members(nodes, sets)]


def remove(state: State, name: str) -> None:
    """Remove a group that no other group names."""
    state.group(name)
    for other in groups_naming(state, name):
        if other != name:
            raise Refused(
                f"group {other} names @{name}",
                hint=f"kp group set {other} --nodes NODESET first",
            )
    state.drop(Key("group", name))


def join(state: State, wanted: Mapping[str, Iterable[str]]) -> None:
    """Add nodes to groups, as an import does; groups that are missing are made."""
    for name, nodes in wanted.items():
        group = state.get(Key("group", name))
        known = group if isinstance(group, Group) else Group()
        if not isinstance(group, Group):
            state.add(Key("group", name), known)
        together = members(known.nodes, group_sets(state)) | set(nodes)
        folded = {"nodes": fold(together)}
        state.put(Key("group", name), replace(known, folded, f"group {name}"))


def _checked(state: State, fields: dict[str, Any]) -> dict[str, Any]:
    if not fields.get("nodes"):
        return fields
    return fields | {"nodes": canonical(fields["nodes"], group_sets(state))}
