"""Edits of nodes, groups, next boots, targets: drawn, said to kp, done to a state."""

import random
from collections.abc import Callable

from histories.boots import chosen, disk_of
from histories.documents import (
    Fields,
    No,
    State,
    base_layers,
    groups_of,
    kept_set,
    layer,
    members,
    named,
    names,
    struck,
)
from histories.drawing import (
    ENTRIES,
    GROUPS,
    NODES,
    Args,
    Edit,
    change_of,
    changed_params,
    each_of,
    mac,
    need,
    option,
    refuse_taken,
    some,
    tokens,
    worded,
)
from histories.lines import Layer, added


def _node_add(rng: random.Random, state: State) -> Args | None:
    free = [each for each in NODES if ("node", each) not in state]
    if not free:
        return None
    name = rng.choice(free)
    number = int(name[1:])
    macs = [mac(number), mac(number + 0x20)] if rng.random() < 0.25 else [mac(number)]
    return {
        "node": name,
        "macs": macs if rng.random() < 0.95 else [],
        "image": some(rng, names(state, "image")) if rng.random() < 0.9 else None,
        "index": number if rng.random() < 0.8 else None,
        "vars": {"rack": f"r{rng.randint(1, 3)}"} if rng.random() < 0.7 else {},
        "add": tokens(rng, 1),
    }


def _node_words(args: Args) -> list[str]:
    words = each_of("mac", args["macs"]) + option("image", args["image"])
    words += option("index", args["index"])
    return words + each_of("var", [f"{k}={v}" for k, v in args["vars"].items()])


def _node_added(state: State, args: Args) -> State:
    if args["image"] is not None:
        need(state, "image", args["image"])
    refuse_taken(state, "node", args["node"])
    made = {name: args[name] for name in ("macs", "image", "index", "vars")}
    made |= {"params": added([], args["add"]), "next": None}
    return state | {("node", args["node"]): made}


def _node_set(rng: random.Random, state: State) -> Args | None:
    found = names(state, "node")
    if not found:
        return None
    nodes = rng.sample(found, min(len(found), rng.choice((1, 1, 2, 3))))
    args: Args = {"nodes": nodes, "macs": [], "image": None, "index": None, "vars": {}}
    args |= {"add": [], "remove": []}
    what = rng.choice(("image", "index", "vars", "tokens", "tokens", "macs", "vars"))
    if what == "image":
        args["image"] = (
            some(rng, names(state, "image")) if rng.random() < 0.9 else "none"
        )
    elif what == "index":
        args |= {"nodes": nodes[:1], "index": rng.randint(0, 12)}
    elif what == "vars":
        args["vars"] = {"rack": f"r{rng.randint(1, 3)}"}
    elif what == "macs":
        number = rng.randint(1, 12)
        args |= {"nodes": nodes[:1], "macs": [mac(number)]}
    else:
        args |= change_of(rng, state["node", nodes[0]])
    said = [value for name, value in args.items() if name != "nodes"]
    return args if any(value not in ([], None, {}) for value in said) else None


def _below(state: State, name: str, node: Fields) -> list[Layer]:
    """The layers below a node's own, of the entry that it boots."""
    image, entry = chosen(state, node)
    if not image or not entry or ("entry", image, entry) not in state:
        return []
    groups = groups_of(state, name)
    above = [layer(f"group {g}", state["group", g]) for _, g in groups]
    return base_layers(state, image, entry) + above


def _node_was_set(state: State, args: Args) -> State:
    if args["image"] not in (None, "none"):
        need(state, "image", args["image"])
    made = {}
    for name in args["nodes"]:
        node = dict(need(state, "node", name))
        node["vars"] = node["vars"] | args["vars"]
        if args["macs"]:
            node["macs"] = args["macs"]
        if args["image"] is not None:
            node["image"] = None if args["image"] == "none" else args["image"]
        if args["index"] is not None:
            node["index"] = args["index"]
        made["node", name] = worded(node, args, _below(state, name, node))
    return state | made


def _some_nodes(rng: random.Random, state: State) -> Args | None:
    found = names(state, "node")
    return {"nodes": rng.sample(found, 1)} if len(found) > 3 else None


def _nodes_removed(state: State, args: Args) -> State:
    for name in args["nodes"]:
        need(state, "node", name)
    gone = {("node", name) for name in args["nodes"]}
    left = {key: doc for key, doc in state.items() if key not in gone}
    for group in names(state, "group"):
        for name in args["nodes"]:
            nodes = struck(state, left["group", group]["nodes"], name)
            left["group", group] = {**left["group", group], "nodes": nodes}
    return left


def _nodeset(rng: random.Random, below: str) -> str:
    """Nodes, groups of lower names, and a node that is left out."""
    terms = rng.sample(NODES, rng.randint(1, 4))
    terms += [f"@{g}" for g in GROUPS if g < below and rng.random() < 0.3]
    rng.shuffle(terms)
    return ",".join(terms) + (f"!{rng.choice(NODES)}" if rng.random() < 0.2 else "")


def _group_add(rng: random.Random, state: State) -> Args | None:
    free = [each for each in GROUPS if ("group", each) not in state]
    if not free:
        return None
    name = rng.choice(free)
    return {
        "group": name,
        "nodes": _nodeset(rng, name),
        "future": rng.random() < 0.3,
        "priority": rng.choice((None, 1, 2, 3)),
        "add": tokens(rng, 2),
        "remove": [],
    }


def _group_words(verb: str) -> Callable[[Args], list[str]]:
    return lambda args: [
        *("group", verb, args["group"]),
        *option("nodes", args["nodes"]),
        *(["--future"] if args.get("future") else []),
        *option("priority", args["priority"]),
        *changed_params(args),
    ]


def _check_nodes(state: State, args: Args, before: str = "") -> None:
    text = args["nodes"]
    if text and not members(state, text):
        raise No("an empty node set")
    if text and not args.get("future"):
        for name in named(text) - named(before):
            need(state, "node", name)


def _group_added(state: State, args: Args) -> State:
    _check_nodes(state, args)
    refuse_taken(state, "group", args["group"])
    params = added([], args["add"])
    made = {"nodes": kept_set(state, args["nodes"]), "params": params}
    made["priority"] = args["priority"] or 0
    return state | {("group", args["group"]): made}


def _group_set(rng: random.Random, state: State) -> Args | None:
    name = some(rng, names(state, "group"))
    if name is None:
        return None
    args: Args = {
        "group": name,
        "nodes": None,
        "priority": None,
        "add": [],
        "remove": [],
    }
    what = rng.choice(("nodes", "nodes", "priority", "tokens", "tokens"))
    if what == "nodes":
        args["nodes"] = _nodeset(rng, name)
        args["future"] = rng.random() < 0.3
    elif what == "priority":
        args["priority"] = rng.randint(0, 3)
    else:
        args |= change_of(rng, state["group", name])
    unsaid = ("group", "future")
    said = [value for option, value in args.items() if option not in unsaid]
    return args if any(value not in ([], None) for value in said) else None


def _group_was_set(state: State, args: Args) -> State:
    group = dict(need(state, "group", args["group"]))
    _check_nodes(state, args, group["nodes"])
    for field in ("nodes", "priority"):
        if args[field] is not None:
            group[field] = args[field]
    if args["nodes"]:
        group["nodes"] = kept_set(state, args["nodes"])
    every = [
        each
        for image in names(state, "image")
        for entry in names(state, "entry", image)
        for each in base_layers(state, image, entry)
    ]
    return state | {("group", args["group"]): worded(group, args, every)}


def _group_removed(state: State, args: Args) -> State:
    need(state, "group", args["group"])
    for name in names(state, "group"):
        if f"@{args['group']}" in state["group", name]["nodes"]:
            raise No(f"{name} names it")
    return {key: doc for key, doc in state.items() if key != ("group", args["group"])}


def _next(rng: random.Random, state: State) -> Args | None:
    found = names(state, "node")
    if not found:
        return None
    nodes = rng.sample(found, min(len(found), rng.choice((1, 1, 2))))
    if rng.random() < 0.3:
        return {"nodes": nodes, "entry": None, "add": []}
    image = chosen(state, state["node", nodes[0]])[0]
    if rng.random() < 0.3 or not image:
        image = some(rng, names(state, "image")) or ""
    entry = some(rng, names(state, "entry", image), ENTRIES)
    where = f"{image}/{entry}" if rng.random() < 0.5 else entry
    return {"nodes": nodes, "entry": where, "add": tokens(rng, 1)}


def _next_words(args: Args) -> list[str]:
    words = ["next", *args["nodes"]]
    if args["entry"] is None:
        return [*words, "--clear"]
    return [*words, "--entry", args["entry"], *each_of("add-param", args["add"])]


def _next_set(state: State, args: Args) -> State:
    params = added([], args["add"])
    override = args["entry"] and {"entry": args["entry"], "params": params}
    made = {}
    for name in args["nodes"]:
        node = need(state, "node", name) | {"next": override}
        if override:
            image, entry = chosen(state, node)
            said = need(state, "entry", image, entry)
            own = node["image"] == image and disk_of(state, image)[0] == entry
            if said["method"] == "local" and (args["add"] or not own):
                raise No("the disk does not boot it")
        made["node", name] = node
    return state | made


def _a_target(rng: random.Random, state: State) -> Args | None:
    name = some(rng, names(state, "target"))
    return name and {"target": name}


def _enabled(value: bool) -> Callable[[State, Args], State]:
    def done(state: State, args: Args) -> State:
        document = need(state, "target", args["target"]) | {"enabled": value}
        return state | {("target", args["target"]): document}

    return done


EDITS: dict[str, Edit] = {
    "node add": Edit(
        _node_add,
        lambda a: [
            "node",
            "add",
            a["node"],
            *_node_words(a),
            *each_of("add-param", a["add"]),
        ],
        _node_added,
    ),
    "node set": Edit(
        _node_set,
        lambda a: ["node", "set", *a["nodes"], *_node_words(a), *changed_params(a)],
        _node_was_set,
    ),
    "node rm": Edit(_some_nodes, lambda a: ["node", "rm", *a["nodes"]], _nodes_removed),
    "group add": Edit(_group_add, _group_words("add"), _group_added),
    "group set": Edit(_group_set, _group_words("set"), _group_was_set),
    "group rm": Edit(
        lambda rng, state: {"group": some(rng, names(state, "group"), GROUPS)},
        lambda a: ["group", "rm", a["group"]],
        _group_removed,
    ),
    "next": Edit(_next, _next_words, _next_set),
    "target disable": Edit(
        _a_target, lambda a: ["target", "disable", a["target"]], _enabled(False)
    ),
    "target enable": Edit(
        _a_target, lambda a: ["target", "enable", a["target"]], _enabled(True)
    ),
}
