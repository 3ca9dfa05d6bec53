"""Edits of groups."""

from collections.abc import Iterable, Mapping
from typing import Any

from kpstore.errors import Refused
from kpstore.model.documents import Group
from kpstore.model.keys import Key
from kpstore.model.moves import group_sets
from kpstore.model.nodesets import canonical, fold, members
from kpstore.model.references import groups_naming
from kpstore.model.state import State
from kpstore.model.validation import add_tokens, make, remove_tokens, replace


def add(state: State, name: str, fields: dict[str, Any]) -> None:
    """Add a group; `nodes` is a node set of names and known groups."""
    group = make(Group, _checked(state, fields), f"group {name}")
    state.add(Key("group", name), group)


def change(
    state: State,
    name: str,
    fields: dict[str, Any],
    *,
    add_params: tuple[str, ...] = (),
    remove_params: tuple[str, ...] = (),
) -> None:
    """Set fields of a group, then add and remove parameters."""
    group = replace(state.group(name), _checked(state, fields), f"group {name}")
    params = remove_tokens(add_tokens(group.params, add_params), remove_params)
    state.put(Key("group", name), replace(group, {"params": params}, f"group {name}"))


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
