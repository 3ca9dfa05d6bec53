"""What a node, an image's disk, boots in a state: the model's answer."""

import re
from dataclasses import dataclass

from histories.documents import (
    Fields,
    State,
    base_layers,
    groups_of,
    layer,
    names,
    payload,
    written,
)
from histories.lines import merge

_REFERENCE = re.compile(r"\{node\.([a-z.A-Z0-9_]+)\}")


@dataclass(frozen=True)
class Linux:
    """A kernel and its initrds by SHA-256, and the command line."""

    kernel: str
    initrds: tuple[str, ...]
    line: str


@dataclass(frozen=True)
class Boot:
    """What is booted; `linux` None: the node's own disk. `why`: how it came to that."""

    why: str
    linux: Linux | None = None
    image: str = ""
    entry: str = ""
    method: str = ""
    payload: str = ""
    said: tuple[tuple[str, str], ...] = ()

    @property
    def served(self) -> Linux | None:
        """What comes over the network; None: the disk boots."""
        return None if self.method == "local" else self.linux


def value(node: Fields, name: str, variable: str) -> str | None:
    """A node's value of `index`, `var.rack`; None where it is unset."""
    if variable.startswith("var."):
        found = node["vars"].get(variable[4:])
    else:
        first = (*node["macs"], None)[0]
        known = {"name": name, "mac": first, "image": node["image"]}
        found = {**known, "index": node["index"]}[variable]
    return None if found is None else str(found)


def used(tokens: list[str]) -> set[str]:
    return {each for token in tokens for each in _REFERENCE.findall(token)}


def chosen(state: State, node: Fields) -> tuple[str, str]:
    """The image and entry that a node boots; '' where there is none."""
    image = node["image"] or ""
    if node["next"]:
        other, _, entry = node["next"]["entry"].rpartition("/")
        return other or image, entry
    known = state.get(("image", image))
    return image, (known["default"] or "") if known else ""


def node_layers(state: State, name: str, image: str, entry: str) -> list:
    """All that groups, a node and its override say of an entry."""
    node = state["node", name]
    layers = [layer(f"group {g}", state["group", g]) for _, g in groups_of(state, name)]
    layers.append(layer(f"node {name}", node))
    if node["next"] and chosen(state, node) == (image, entry):
        layers.append(layer(f"next boot of {name}", node["next"]))
    return layers


def line_of(state: State, name: str, image: str, entry: str) -> list[tuple[str, str]]:
    """The tokens of an entry on a node, with who says them."""
    layers = base_layers(state, image, entry)
    if state["entry", image, entry]["method"] != "local":
        layers += node_layers(state, name, image, entry)
    return merge(layers)


def missing(state: State, name: str, image: str, entry: str) -> list[str]:
    """The variables that an entry's line asks for and the node doesn't have."""
    tokens = [token for token, _ in line_of(state, name, image, entry)]
    node = state["node", name]
    return sorted(v for v in used(tokens) if value(node, name, v) is None)


def boot_of(state: State, name: str) -> Boot:
    """What a node boots."""
    node = state["node", name]
    image, entry = chosen(state, node)
    if not image:
        return Boot("it has no image: the unknown-node policy (local disk)")
    if not entry:
        return Boot(f"image {image} has no default: the unknown-node policy")
    lacks = missing(state, name, image, entry)
    if lacks:
        return Boot(
            f"it lacks {', '.join(lacks)}: the unknown-node policy (local disk)"
        )
    why = f"default of image {image}"
    if node["next"]:
        why = f"next-boot override {node['next']['entry']}, until it is cleared"
    return entry_boot(state, name, image, entry, why)


def shape(state: State, name: str) -> tuple | None:
    """All that decides what a node boots but its own values; None: its disk."""
    try:
        image, entry = chosen(state, state["node", name])
        method = state["entry", image, entry]["method"]
        line = [token for token, _ in line_of(state, name, image, entry)]
        return image, entry, method, payload(state, image, entry)[0], line
    except KeyError:
        return None


def entry_boot(state: State, name: str, image: str, entry: str, why: str = "") -> Boot:
    """What an entry is on a node that has all its variables."""
    node, said = state["node", name], line_of(state, name, image, entry)
    filled = [
        _REFERENCE.sub(lambda match: str(value(node, name, match[1])), token)
        for token, _ in said
    ]
    return _boot(state, image, entry, said, filled, why)


def of_image(state: State, image: str, entry: str) -> Boot:
    """What an entry is where no node is asked; references stay in it."""
    said = merge(base_layers(state, image, entry))
    return _boot(state, image, entry, said, [token for token, _ in said], "")


def _boot(state, image, entry, said, filled, why) -> Boot:
    document = state["entry", image, entry]
    kernel = state["kernel", image, document["kernel"]]
    return Boot(
        why=why,
        linux=Linux(kernel["vmlinuz"], tuple(kernel["initrd"]), written(filled)),
        image=image,
        entry=entry,
        method=document["method"],
        payload=payload(state, image, entry)[0],
        said=tuple(said),
    )


def disk_of(state: State, image: str) -> tuple[str | None, dict[str, Linux]]:
    """What an image's own disk lists, and which of it it boots."""
    local = {
        entry: boot.linux
        for entry in names(state, "entry", image)
        if (boot := of_image(state, image, entry)).method != "network"
    }
    default = state["image", image]["default"] if ("image", image) in state else None
    return (default if default in local else next(iter(local), None)), local
