"""Edits of nodes and their next boots."""

from collections.abc import Iterable
from typing import Any

from kpstore.errors import Refused
from kpstore.model.boot import disk_default
from kpstore.model.documents import NextBoot, Node
from kpstore.model.keys import Key
from kpstore.model.names import check_node_name, parse_ip, parse_mac
from kpstore.model.state import State
from kpstore.model.templates import next_entry
from kpstore.model.validation import add_tokens, make, remove_tokens, replace


def add(state: State, name: str, fields: dict[str, Any]) -> None:
    """Add a node; Refused when there is one of that name."""
    check_node_name(name)
    if state.get(Key("node", name)) is not None:
        raise Refused(f"node {name} exists", hint=f"kp node set {name} …")
    node = make(Node, {"name": name, **_addresses(fields)}, f"node {name}")
    state.put(Key("node", name), node)


def put_all(state: State, nodes: Iterable[Node]) -> None:
    """Add or replace nodes, as an import does; next boots of known ones stay."""
    for node in nodes:
        key = Key("node", node.name)
        known = state.get(key)
        if isinstance(known, Node):
            kept = {"next": known.next, "params": known.params}
            state.put(key, replace(node, kept, f"node {node.name}"))
        else:
            state.put(key, node)


def change(
    state: State,
    names: Iterable[str],
    fields: dict[str, Any],
    *,
    variables: dict[str, str] | None = None,
    add_params: tuple[str, ...] = (),
    remove_params: tuple[str, ...] = (),
) -> None:
    """Set fields of nodes; variables are merged into those that a node has."""
    for name in names:
        node = state.node(name)
        params = remove_tokens(add_tokens(node.params, add_params), remove_params)
        merged = {
            "vars": {**node.vars, **(variables or {})},
            "params": params,
            **_addresses(fields),
        }
        state.put(Key("node", name), replace(node, merged, f"node {name}"))


def remove(state: State, names: Iterable[str]) -> None:
    """Remove nodes."""
    for name in names:
        state.node(name)
        state.drop(Key("node", name))


def set_next(
    state: State, names: Iterable[str], entry: str, params: tuple[str, ...] = ()
) -> None:
    """Give nodes a next-boot override, until it is cleared."""
    override = make(NextBoot, {"entry": entry, "params": params}, f"next {entry}")
    for name in names:
        node = state.node(name)
        _check_next(state, node, *next_entry(entry, node.image), params)
        state.put(Key("node", name), replace(node, {"next": override}, f"node {name}"))


def _check_next(
    state: State, node: Node, image: str, entry: str, params: tuple[str, ...]
) -> None:
    """Refuse what would not come true: a local entry is the disk's to boot."""
    if state.entry(image, entry).method != "local":
        return
    disk = disk_default(state, image)
    hint = f"over the network kp decides: kp entry set {image} {entry} --method mixed"
    if image != node.image or entry != disk:
        there = f"boots {image}/{disk}"
        if image != node.image:
            there = f"holds {node.image or 'no image'}"
        raise Refused(
            f"{image}/{entry} boots from the node's own disk (method local), and "
            f"the disk of {node.name} {there}",
            hint=hint,
        )
    if params:
        raise Refused(
            f"{image}/{entry} boots from the node's own disk (method local): "
            f"parameters for {node.name} alone don't reach it",
            hint=hint,
        )


def clear_next(state: State, names: Iterable[str]) -> None:
    """Take nodes back to their image's default."""
    for name in names:
        node = state.node(name)
        state.put(Key("node", name), replace(node, {"next": None}, f"node {name}"))


def _addresses(fields: dict[str, Any]) -> dict[str, Any]:
    """MACs and IPs are parsed and written anew, never echoed."""
    parsed = dict(fields)
    if "macs" in parsed:
        parsed["macs"] = tuple(parse_mac(mac) for mac in parsed["macs"])
    if "ips" in parsed:
        parsed["ips"] = tuple(parse_ip(ip) for ip in parsed["ips"])
    return parsed
