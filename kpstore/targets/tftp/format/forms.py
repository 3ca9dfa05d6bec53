"""What each node's entry points lead to, by their plain texts."""

from collections.abc import Mapping

from kpstore.targets.tftp.format.layout import NOTHING, OWN, EntryNames, place_of
from kpstore.targets.tftp.generation import NodeForm


def form_for(node: NodeForm | None, loader: str, *, flat: bool) -> str:
    """Return what a loader's entry point leads to, in a generation that is `flat`."""
    if node is None:
        return NOTHING
    if node.files and loader in node.files:
        return OWN
    return place_of(node.template, flat=flat)


def entry_texts(
    names: EntryNames, nodes: Mapping[str, NodeForm | None], *, flat: bool
) -> dict[str, str]:
    """Return the plain text of each node's entry point, by its name."""
    texts: dict[str, str] = {}
    shared: dict[str, str] = {}  # 100,000 nodes have few templates
    for name, (mac, node) in zip(names.names(nodes), nodes.items(), strict=True):
        if node is None:
            continue
        if node.files and names.loader in node.files:
            text = names.text(mac, OWN)
        elif (text := shared.get(node.template, "")) == "":
            place = place_of(node.template, flat=flat)
            text = shared[node.template] = names.text(mac, place)
        texts[name] = text
    return texts
