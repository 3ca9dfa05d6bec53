"""What a node boots next, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from kpstore.history.revisions import Query, Revision
from kpstore.model.boot import Boot, resolve, template_in
from kpstore.model.documents import Node
from kpstore.model.state import State
from kpstore.queries.entry import EntryShown, entry_of, lacking, own_layers
from kpstore.site.opened import OpenSite
from kpstore.targets.condition import judge
from kpstore.targets.observers import inputs_of, observe
from kpstore.targets.spec import TargetSpec

_LAST: Final = 5  # commits


@dataclass(frozen=True)
class Why:
    """What a node boots next and why; `last` are the commits that last changed that.

    They come newest first, some of them: `kp log --node` has all. `entry` is None where
    the node boots by the unknown-node policy.
    """

    node: str
    image: str | None
    template: str
    groups: Sequence[str]
    reason: str
    entry: EntryShown | None
    last: Sequence[Revision]
    served: Sequence[tuple[str, str, str]]


def why(site: OpenSite, state: State, name: str, until: int | None = None) -> Why:
    """Return what a node boots next, with every parameter's origin.

    `until`: the number of the revision whose state that is, where it isn't main's.
    """
    node = state.node(name)
    template = template_in(state, node)
    boot = resolve(state, template, own_layers(node, template.image, template.entry))
    return Why(
        node=name,
        image=node.image,
        template=template.name,
        groups=template.groups,
        reason=_reason(state, node, boot),
        entry=entry_of(state, boot, node) if boot and not lacking(boot, node) else None,
        last=_last(site, name, until),
        served=list(_served(site, state)),
    )


def _served(site: OpenSite, state: State) -> Iterator[tuple[str, str, str]]:
    """Yield target, condition and commit, as `kp status` judges them: by looking."""
    for name in state.names("target"):
        spec = TargetSpec.of(name, state.target(name).model_dump())
        if spec.enabled:
            path = site.settings.path_of(spec)
            there = observe(spec, path) if path else None
            inputs = partial(inputs_of, spec, site.main().subtree)
            condition = judge(spec, state.site().id, there, inputs, site.on_main)
            marker = there.marker() if there else None
            yield name, condition, marker.commit if marker else ""


def _last(site: OpenSite, name: str, until: int | None) -> list[Revision]:
    limit = _LAST if until is None else None
    found = site.revisions(Query(node=name, limit=limit))
    return [line for line in found if until is None or line.number <= until][:_LAST]


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
