"""What a node asks a TFTP server for: its menu, then its kernel."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kpstore.loaders.render import TftpPaths, objects_of
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Node
from kpstore.model.state import State
from kpstore.site.opened import OpenSite
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.format.layout import Layout


class Asked(NamedTuple):
    """One request: the path below the server's root, and the file that answers it."""

    what: str
    path: str
    file: Path


def asked(site: OpenSite, state: State, spec: TargetSpec) -> Iterator[Asked]:
    """Yield what one node that boots over the network asks this target for.

    Nothing where no node boots over the network, or the target has no path here.
    """
    root = site.settings.roots.get(spec.name)
    found = _network_node(site, state)
    if root is None or found is None:
        return
    node, boot = found
    layout = Layout(root, spec.loaders, spec.prefix, spec.grub_dir)
    paths = [
        (f"{names.loader} menu of {node.name}", f"{names.folder}/{names.name(mac)}")
        for names in layout.entries
        for mac in node.macs[:1]
    ]
    kernel = objects_of(boot, TftpPaths(spec.prefix))[0]
    paths.append((f"kernel of {boot.image}/{boot.entry}", kernel.path))
    for what, path in paths:
        shown = f"{spec.prefix}/{path}" if spec.prefix else path
        yield Asked(f"{spec.name}: {what}", shown, layout.path(path))


def _network_node(site: OpenSite, state: State) -> tuple[Node, Boot] | None:
    """Return the first node that a menu sends a kernel to, and what it boots."""
    census = site.census(site.main())
    for template in sorted(census.templates()):
        boot = resolve(state, template)
        if boot is None or boot.method == "local":
            continue
        for name in census.nodes_of(template):
            node = state.node(name)
            if node.macs:
                return node, boot
    return None
