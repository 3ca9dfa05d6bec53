"""What each node's entry points lead to, by their plain texts."""

from collections.abc import Mapping

from kpstore.targets.tftp.format.layout import NOTHING, OWN, EntryNames
from kpstore.targets.tftp.generation import NodeForm


def form_for(node: NodeForm | None, loader: str) -> str:
    """Return what a loader's entry point of this node leads to."""
    if node is None:
        return NOTHING
    return OWN if node.files and loader in node.files else node.template


def entry_texts(
    names: EntryNames, nodes: Mapping[str, NodeForm | None]
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
            text = shared[node.template] = names.text(mac, node.template)
        texts[name] = text
    return texts
