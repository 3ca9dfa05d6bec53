"""What a node asks the site's servers for: its menu, then its kernel."""

from collections.abc import Iterator

from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Node
from kpstore.model.state import State
from kpstore.site.opened import OpenSite
from kpstore.targets.contract import Request
from kpstore.targets.registry import KINDS


def requests(site: OpenSite) -> Iterator[Request]:
    """Yield what one node that boots over the network asks each target for.

    Nothing where no node boots over the network, or a target has no path here.
    """
    state = State(site.main())
    specs = [target.spec for target in site.targets(state)]
    placed = [(spec, root) for spec in specs if (root := site.settings.path_of(spec))]
    found = _network_node(site, state) if placed else None
    if found is None:
        return
    for spec, root in placed:
        yield from KINDS[spec.kind].requests(spec, root, *found)


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
