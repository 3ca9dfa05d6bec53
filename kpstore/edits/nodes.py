"""Edits of nodes and their next boots."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Unpack

from kpstore.edits import groups, layers, locks
from kpstore.errors import InvalidInput, Refused
from kpstore.model.boot import disk_default
from kpstore.model.documents import NextBoot, Node
from kpstore.model.keys import Key
from kpstore.model.names import check_node_name, parse_ip, parse_mac
from kpstore.model.params.wording import Tokens
from kpstore.model.state import State
from kpstore.model.templates import next_entry
from kpstore.model.validation import make, replace


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
            own = ("next", "params", "without")
            kept = {field: getattr(known, field) for field in own}
            state.put(key, replace(node, kept, f"node {node.name}"))
        else:
            state.put(key, node)


def change(
    state: State,
    names: Iterable[str],
    fields: dict[str, Any],
    *,
    variables: dict[str, str] | None = None,
    **tokens: Unpack[Tokens],
) -> list[str]:
    """Set fields of nodes, then change their parameters; return what is worth a word.

    Variables are merged into those that a node has.
    """
    notes: dict[str, None] = {}
    stack = layers.Stack(state)
    given = _addresses(fields)
    for name in names:
        node = state.node(name)
        merged = {"vars": {**node.vars, **(variables or {})}, **given}
        node = replace(node, merged, f"node {name}")
        below = partial(stack.below, node)
        node, said = layers.reword(state, node, f"node {name}", tokens, below)
        notes |= dict.fromkeys(said)
        state.put(Key("node", name), node)
    return list(notes)


def rename(state: State, old: str, new: str) -> None:
    """Give a node another name, in the groups that name it, too."""
    fields = dict(state.node(old))
    add(state, new, {**fields, "name": new})
    state.drop(Key("node", old))
    groups.rename(state, old, new)
    locks.rename(state, old, new)


def remove(state: State, names: Iterable[str]) -> None:
    """Remove nodes, from the groups that name them, too."""
    gone = set(names)
    for name in sorted(gone):
        state.node(name)
        state.drop(Key("node", name))
    groups.leave(state, gone)
    locks.leave(state, gone)


def set_next(
    state: State,
    names: Iterable[str],
    entry: str,
    params: tuple[str, ...] = (),
    **tokens: Unpack[Tokens],
) -> list[str]:
    """Give nodes a next-boot override, until it is cleared; see `change`."""
    override = make(NextBoot, {"entry": entry, "params": params}, f"next {entry}")
    return _override(state, names, lambda _: override, tokens)


def change_next(
    state: State,
    names: Iterable[str],
    params: tuple[str, ...] | None = None,
    **tokens: Unpack[Tokens],
) -> list[str]:
    """Change the parameters of the overrides that nodes have; see `change`."""

    def known(node: Node) -> NextBoot:
        if node.next is None:
            raise InvalidInput(
                f"node {node.name} has no next boot",
                hint=f"kp next {node.name} --entry NAME",
            )
        fields = {} if params is None else {"params": params}
        return replace(node.next, fields, f"next boot of {node.name}")

    return _override(state, names, known, tokens)


def _override(
    state: State,
    names: Iterable[str],
    of: Callable[[Node], NextBoot],
    tokens: Tokens,
) -> list[str]:
    notes: dict[str, None] = {}
    stack = layers.Stack(state)
    for name in names:
        node = state.node(name)
        wanted = replace(node, {"next": of(node)}, f"node {name}")
        below = partial(stack.below_next, wanted)
        override, said = layers.reword(
            state, of(node), f"next boot of {name}", tokens, below
        )
        notes |= dict.fromkeys(said)
        _check_next(state, node, override)
        state.put(Key("node", name), replace(node, {"next": override}, f"node {name}"))
    return list(notes)


def _check_next(state: State, node: Node, override: NextBoot) -> None:
    """Refuse what would not come true: a local entry is the disk's to boot."""
    image, entry = next_entry(override.entry, node.image)
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
    if override.params or override.without:
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
