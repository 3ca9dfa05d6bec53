"""An entry as a node boots it, or as any would."""

from collections.abc import Sequence
from dataclasses import dataclass

from kpstore.errors import NotFound
from kpstore.health.verdicts import bad_verdict
from kpstore.loaders.boot_menu import files_of, linux_of
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Node, Verdict
from kpstore.model.params.layers import Layer, Merged, Replaced
from kpstore.model.params.tokens import compose
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, next_entry
from kpstore.model.variables import fill
from kpstore.targets.tftp.paths import TftpPaths
from kpstore.targets.tree import paths as tree_paths


@dataclass(frozen=True)
class EntryShown:
    """An entry as a node boots it, or as any would; paths as a TFTP loader sees them.

    `cmdline` has references in it where no node is given.
    """

    image: str
    entry: str
    payload: str
    method: str
    verdict: str
    kernel: dict[str, str]
    initrd: Sequence[dict[str, str]]
    xen: dict[str, str] | None
    params: Sequence[Merged]
    replaced: Sequence[Replaced]
    cmdline: str


def shown_entry(state: State, image: str, name: str, node: str | None) -> EntryShown:
    """Return an entry as a node would boot it, or without a node."""
    state.entry(image, name)
    if node is None:
        boot = resolve(state, Template(image, name))
        assert boot is not None  # an image and an entry: no policy
        return entry_of(state, boot, None)
    found = state.node(node)
    template = Template(image, name, Membership(state.groups()).of(node))
    boot = resolve(state, template, own_layers(found, image, name))
    assert boot is not None
    return entry_of(state, boot, found)


def own_layers(node: Node, image: str, entry: str) -> list[Layer]:
    """Return what a node adds to an entry; its next boot's only to that entry."""
    layers = [Layer(f"node {node.name}", node.params, node.without)]
    override = node.next
    if override and next_entry(override.entry, node.image) == (image, entry):
        origin = f"next boot of {node.name}"
        layers.append(Layer(origin, override.params, override.without))
    return layers


def verdict_of(state: State, boot: Boot) -> str:
    """Return `good`, `bad` (its own or its kin's) or `unknown`."""
    own = state.verdict(boot.payload.id)
    if own is not None:
        return own.verdict
    bad: Verdict | None = bad_verdict(state, boot.payload)
    return "bad" if bad else "unknown"


def lacking(boot: Boot, node: Node) -> list[str]:
    """Return the variables that a boot uses and a node doesn't have."""
    values = boot.values(node)
    return [name for name in boot.variables if name not in values]


def entry_of(state: State, boot: Boot, node: Node | None) -> EntryShown:
    """Return what resolves to `boot`; NotFound for variables that the node lacks."""
    params = boot.params
    if node is not None:
        if missing := lacking(boot, node):
            raise NotFound(
                f"node {node.name} has no {', '.join(missing)}, which "
                f"{boot.image}/{boot.entry} uses",
                hint=f"kp node set {node.name} …",
            )
        params = fill(params, boot.values(node))
    tftp = linux_of(boot, TftpPaths().seen(boot))
    tree = linux_of(boot, tree_paths.seen(boot))
    kernel, *initrds = files_of(boot)
    return EntryShown(
        image=boot.image,
        entry=boot.entry,
        payload=boot.payload.id,
        method=boot.method,
        verdict=verdict_of(state, boot),
        kernel={
            "sha256": kernel.sha256,
            "path": tftp.kernel,
            "tree_path": tree.kernel,
            "release": boot.kernel.release,
        },
        initrd=[
            {"sha256": file.sha256, "path": path, "tree_path": tree_path}
            for file, path, tree_path in zip(
                initrds, tftp.initrds, tree.initrds, strict=False
            )
        ],
        xen={"path": tftp.xen.path, "cmdline": compose(tftp.xen.params)}
        if tftp.xen
        else None,
        params=boot.line.merged,
        replaced=boot.line.replaced,
        cmdline=compose(params),
    )
