"""Small states of boot configuration, without a repository."""

import hashlib
from typing import Literal

from kpstore.model.boot import Boot
from kpstore.model.documents import (
    ArtifactRef,
    Artifacts,
    BootConfig,
    Group,
    Image,
    KernelConfig,
    Node,
    Origin,
    Site,
)
from kpstore.model.keys import Key
from kpstore.model.params.tokens import compose
from kpstore.model.state import Empty, State
from kpstore.model.variables import fill


def command_line(boot: Boot, node: Node) -> str:
    """Return the kernel's command line on a node."""
    return compose(fill(boot.params, boot.values(node)))


def ref(text: str) -> ArtifactRef:
    """Return the reference of an artifact with these contents."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return ArtifactRef(sha256=digest, size=len(text))


def kernel(
    release: str,
    *,
    initrd: str = "",
    kind: Literal["linux", "xen"] = "linux",
    arch: Literal["x86_64", "aarch64"] = "x86_64",
) -> KernelConfig:
    """Return a kernel of made-up content."""
    initrds = () if kind == "xen" else (ref(f"initrd {release} {initrd}"),)
    return KernelConfig(
        kind=kind,
        release=release,
        arch=arch,
        origin=Origin(kind="files"),
        artifacts=Artifacts(vmlinuz=ref(f"kernel {release}"), initrd=initrds),
    )


def node(number: int, image: str | None = "web", **fields: object) -> Node:
    """Return node n001 and so on, with a MAC and an index of that number."""
    values = {
        "name": f"n{number:03}",
        "macs": (f"02:00:00:00:00:{number:02x}",),
        "image": image,
        "index": number,
        **fields,
    }
    return Node.model_validate(values)


def put_node(state: State, new: Node) -> None:
    """Add a node."""
    state.put(Key("node", new.name), new)


def state_of(nodes: int = 3) -> State:
    """Return a site with image web, its entry production on 6.1, and some nodes."""
    state = State(Empty())
    state.put(Key("site"), Site(id="0" * 32, name="test"))
    state.put(Key("kernel", "6.1", "web"), kernel("6.1"))
    entry = BootConfig(kernel="6.1", params=("quiet", "panic=10"))
    state.put(Key("entry", "production", "web"), entry)
    image = Image(arch="x86_64", default="production", params=("root=/dev/sda1",))
    state.put(Key("image", "web"), image)
    for number in range(1, nodes + 1):
        put_node(state, node(number))
    return state


def settled(state: State) -> State:
    """Return the state as a base, with no changes of its own."""
    return State(state)


def put_group(state: State, name: str, **fields: object) -> None:
    """Add a group."""
    state.put(Key("group", name), Group.model_validate(fields))
