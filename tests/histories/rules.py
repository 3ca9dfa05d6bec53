"""What main must hold, and what refuses a commit."""

import re
from collections.abc import Iterator

from histories.boots import chosen, disk_of, line_of, missing, used
from histories.documents import (
    Changes,
    Fields,
    No,
    State,
    base_layers,
    groups_of,
    image_of,
    members,
    names,
    payload,
    verdict_on,
)
from histories.lines import merge, tied

_NOT_BLS = re.compile(r"\$|^[^ ]*[;&|<>][^ ]*$")  # GRUB's own in its BLS entries

Payload = tuple[str, str] | None


def refuse_commit(old: State, new: State, *, force: bool = False) -> None:
    """No, where a commit would bring something that main must not hold."""
    broken = set(violations(new))
    fresh = sorted(broken - set(violations(old)))
    if fresh:
        raise No("; ".join(fresh))
    for what, before, after in () if force else _booted(old, new):
        if after in (None, before):
            continue
        if "bad" in (verdict_on(old, after), verdict_on(new, after)):
            raise No(f"{what} is known bad")


def _booted(old: State, new: State) -> Iterator[tuple[str, Payload, Payload]]:
    """What is booted before and after that takes --force where it is bad."""
    for image in names(new, "image"):
        for booted in (default_payload, disk_payload):
            yield f"the new default of {image}", booted(old, image), booted(new, image)
    for name in names(new, "node"):
        if new["node", name]["next"]:
            before, after = node_payload(old, name), node_payload(new, name)
            yield f"the next boot of {name}", before, after


def node_payload(state: State, name: str) -> tuple[str, str] | None:
    """The payload that a node boots; None where that is no entry."""
    node = state.get(("node", name))
    image, entry = chosen(state, node) if node else ("", "")
    try:
        return payload(state, image, entry) if image and entry else None
    except KeyError:
        return None


def touched(old: State, new: State, image: str) -> bool:
    """Whether an image, its entries or kernels differ."""
    keys = {key for key in old.keys() | new.keys() if image_of(key) == image}
    return any(old.get(key) != new.get(key) for key in keys)


def default_payload(state: State, image: str) -> tuple[str, str] | None:
    """The payload of an image's default; None without one, or where it dangles."""
    document = state.get(("image", image))
    if document is None or document["default"] is None:
        return None
    try:
        return payload(state, image, document["default"])
    except KeyError:
        return None


def disk_payload(state: State, image: str) -> tuple[str, str] | None:
    """The payload that an image's own disks boot; None where no target serves them."""
    targets = [state["target", name] for name in names(state, "target")]
    if not any(each["image"] == image and each["enabled"] for each in targets):
        return None
    try:
        entry = disk_of(state, image)[0]
        return payload(state, image, entry) if entry else None
    except KeyError:
        return None


def violations(state: State) -> Iterator[str]:
    """Everything that is wrong with a state."""
    for image in {image_of(key) for key in state} - {""}:
        yield from _of_image(state, image)
    for kind in ("image", "group", "target"):
        yield from _alike(names(state, kind), kind)
    yield from _of_groups(state)
    for name in names(state, "target"):
        image = state["target", name]["image"]
        if image is not None and ("image", image) not in state:
            yield f"target {name}: no image {image}"
    if any(True for _ in _of_groups(state)):
        return
    yield from _of_nodes(state)


def _of_image(state: State, image: str) -> Iterator[str]:
    document = state.get(("image", image))
    if document is None:
        yield f"image {image} goes, and its parts stay"
        return
    entries = names(state, "entry", image)
    if (document["default"] is None) == bool(entries):
        yield f"image {image}: entries and no default"
    if document["default"] is not None and document["default"] not in entries:
        yield f"image {image}: no entry {document['default']}"
    for entry in entries:
        yield from _of_entry(state, image, entry)


def _of_entry(state: State, image: str, entry: str) -> Iterator[str]:
    said = state["entry", image, entry]
    kernels = {"linux": said["kernel"]}
    if said["xen"]:
        kernels["xen"] = said["xen"]["kernel"]
    for kind, name in kernels.items():
        kernel = state.get(("kernel", image, name))
        if kernel is None or kernel["kind"] != kind:
            yield f"entry {image}/{entry}: no {kind} {name}"


def _alike(found: list[str], kind: str) -> Iterator[str]:
    if len({name.casefold() for name in found}) < len(found):
        yield f"{kind}: names that differ by case only"


def _of_groups(state: State) -> Iterator[str]:
    for name in names(state, "group"):
        try:
            members(state, state["group", name]["nodes"])
        except No as no:
            yield f"group {name}: {no}"


def undrawable(state: State, target: str) -> list[str]:
    """Why a tree's files can't be drawn: they are the same on all its nodes."""
    document = state["target", target]
    return list(_of_disk(state, document)) if document["image"] else []


def _of_disk(state: State, target: Fields) -> Iterator[str]:
    image = target["image"]
    try:
        for entry in disk_of(state, image)[1]:
            tokens = [token for token, _ in merge(base_layers(state, image, entry))]
            if used(tokens):
                yield f"the tree of {image}: {entry} has variables"
            if state["entry", image, entry]["xen"]:
                yield f"the tree of {image}: {entry} has a hypervisor"
            if target["loaders"] == ["bls"] and any(map(_NOT_BLS.search, tokens)):
                yield f"the tree of {image}: GRUB reads {entry}'s tokens otherwise"
    except KeyError:
        return  # said of the image


def _of_nodes(state: State) -> Iterator[str]:
    held: dict[tuple[str, str], str] = {}
    for name in names(state, "node"):
        node = state["node", name]
        values = [("mac", mac) for mac in node["macs"]]
        if node["index"] is not None:
            values.append(("index", f"{node['image']} {node['index']}"))
        for value in values:
            if held.setdefault(value, name) != name:
                yield f"{value} is of two nodes"
        if node["image"] is not None and ("image", node["image"]) not in state:
            yield f"node {name}: no image {node['image']}"
        else:
            yield from _of_boot(state, name)


def _of_boot(state: State, name: str) -> Iterator[str]:
    node = state["node", name]
    image, entry = chosen(state, node)
    if not image:
        if node["next"]:
            yield f"node {name}: a next boot of no image"
        return
    yield from _ties(state, name)
    if not entry:
        return
    try:
        lacks = missing(state, name, image, entry)
        line_of(state, name, image, entry)
    except KeyError:
        yield f"node {name}: no entry {image}/{entry}"
        return
    if lacks:
        yield f"node {name}: no {', '.join(lacks)}"


def _ties(state: State, name: str) -> Iterator[str]:
    found = groups_of(state, name)
    for at, (priority, group) in enumerate(found):
        for other_priority, other in found[at + 1 :]:
            pair = state["group", group], state["group", other]
            if priority == other_priority and tied(*pair):
                yield f"groups {group} and {other} contradict each other"


def missing_files(state: State, changes: Changes, store: set[str]) -> list[str]:
    """The files of kernels that are new, and are not in the store."""
    kernels = (doc for key, doc in changes.items() if key[0] == "kernel" and doc)
    wanted = (sha for doc in kernels for sha in (doc["vmlinuz"], *doc["initrd"]))
    return [sha for sha in wanted if sha not in store]


def bootable(state: State, image: str, entry: str) -> bool:
    try:
        return verdict_on(state, payload(state, image, entry)) != "bad"
    except KeyError:
        return False


def refuse_hypervisor(new: State) -> None:
    """What a TFTP target can't say yet."""
    for name in names(new, "node"):
        image, entry = chosen(new, new["node", name])
        document = new.get(("entry", image, entry))
        if document and document["xen"] and document["method"] != "local":
            raise No(f"node {name} would boot a hypervisor")
