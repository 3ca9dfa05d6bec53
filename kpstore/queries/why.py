"""What a node boots next, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kpstore.history.revisions import Query, Revision
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Node
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, template_of
from kpstore.queries.entry import EntryShown, entry_of, lacking, own_layers
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Why:
    """What a node boots next and why; `last` is the commit that last shaped it.

    `entry` is None where it boots by the unknown-node policy.
    """

    node: str
    image: str | None
    template: str
    groups: Sequence[str]
    reason: str
    entry: EntryShown | None
    last: Sequence[Revision]
    served: Sequence[tuple[str, str, str]]


def why(site: OpenSite, state: State, name: str) -> Why:
    """Return what a node boots next, with every parameter's origin."""
    node = state.node(name)
    template = _template(state, node)
    boot = resolve(state, template, own_layers(node, template.image, template.entry))
    return Why(
        node=name,
        image=node.image,
        template=template.name,
        groups=template.groups,
        reason=_reason(state, node, boot),
        entry=entry_of(state, boot, node) if boot and not lacking(boot, node) else None,
        last=list(_last(site, node, boot)),
        served=[
            (
                target.name,
                target.condition(site.main().subtree, site.on_main),
                marker.commit if (marker := target.marker()) else "",
            )
            for target in site.targets(state)
        ],
    )


def _last(site: OpenSite, node: Node, boot: Boot | None) -> Iterator[Revision]:
    queries = [Query(node=node.name, limit=1)]
    if boot:
        entry = f"{boot.image}/{boot.entry}"
        kernel = f"{boot.image}/{boot.config.kernel}"
        queries += [
            Query(image=boot.image, limit=1),
            Query(entry=entry, limit=1),
            Query(kernel=kernel, limit=1),
        ]
    found = {line for query in queries for line in site.revisions(query)}
    yield from sorted(found, reverse=True)


def _template(state: State, node: Node) -> Template:
    groups = Membership(state.groups()).of(node.name)
    return template_of(node, groups, state.site().repeatable)


def _reason(state: State, node: Node, boot: Boot | None) -> str:
    if boot is None and node.image is None:
        return "it has no image: the unknown-node policy (local disk)"
    if boot is None:
        return f"image {node.image} has no default: the unknown-node policy"
    if missing := lacking(boot, node):
        return f"it lacks {', '.join(missing)}: the unknown-node policy (local disk)"
    if node.next is not None:
        return f"next-boot override {node.next.entry}, until it is cleared"
    return f"default of image {boot.image}"
