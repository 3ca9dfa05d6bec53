"""Resolving: from a template, or an entry, to what is booted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kpstore.errors import NotFound
from kpstore.model.documents import BootConfig, KernelConfig, Node, Ssi
from kpstore.model.keys import Key
from kpstore.model.params.layers import Layer, Line
from kpstore.model.payload import Payload, payload_of
from kpstore.model.state import Documents, State
from kpstore.model.templates import Membership, Template, template_of
from kpstore.model.variables import used, value


@dataclass(frozen=True)
class Boot:
    """What a template's nodes boot, variables unresolved."""

    image: str
    entry: str
    config: BootConfig
    kernel: KernelConfig
    xen: KernelConfig | None
    line: Line
    payload: Payload

    @property
    def method(self) -> str:
        """Return `local`, `network` or `mixed`."""
        return self.config.method

    @cached_property
    def params(self) -> tuple[str, ...]:
        """Return the merged kernel parameters."""
        return self.line.tokens

    @property
    def xen_params(self) -> tuple[str, ...]:
        """Return the hypervisor's parameters."""
        return self.config.xen.params if self.config.xen else ()

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Return the node variables that the command lines use."""
        return used((*self.params, *self.xen_params))

    def values(self, node: Node) -> dict[str, str]:
        """Return the node's values of the variables used; unset ones are left out."""
        found = {name: value(node, name) for name in self.variables}
        return {name: text for name, text in found.items() if text is not None}


def template_in(state: State, node: Node) -> Template:
    """Return the template that a node boots by in a state."""
    groups = Membership(state.groups()).of(node.name)
    return template_of(node, groups)


def resolve(
    state: State, template: Template, own: Sequence[Layer] | None = None
) -> Boot | None:
    """Return what the template's nodes boot; None for the unknown-node policy.

    `own` are the layers of one node, by name, instead of the template's parameters.

    A node without an image, or of an image without a default, boots by the policy.
    No group and no node reaches a local entry: the image's tree is one for all.
    """
    if not template.image:
        return None
    image = state.image(template.image)
    entry = template.entry or image.default
    if entry is None:
        return None
    if state.entry(template.image, entry).method == "local":
        return boot_of(state, template.image, entry)
    if own is None:
        own = template.own
    return boot_of(state, template.image, entry, [*group_layers(state, template), *own])


def boot_of(
    state: State, image_name: str, entry: str, layers: list[Layer] | None = None
) -> Boot:
    """Return an entry's boot with `layers` over image and entry."""
    config = state.entry(image_name, entry)
    kernel = state.kernel(image_name, config.kernel)
    rules = state.site().rules
    base = base_layers(state, image_name, entry)
    xen = state.kernel(image_name, config.xen.kernel) if config.xen else None
    pair = (xen, config.xen.params) if xen and config.xen else None
    return Boot(
        image=image_name,
        entry=entry,
        config=config,
        kernel=kernel,
        xen=xen,
        line=rules.merge([*base, *(layers or [])]),
        payload=payload_of(kernel, pair, rules.merge(base).tokens),
    )


def disk_entries(state: State, image: str) -> list[str]:
    """Return the entries that are on the image's own disk: local and mixed, sorted."""
    names = state.names("entry", image)
    return [name for name in names if state.entry(image, name).method != "network"]


def disk_default(state: State, image: str) -> str | None:
    """Return the entry that a node's own disk boots; None: the disk has none.

    It is the image's default. Where that comes over the network only, the disk is
    asked only when no server answers, and the first entry by name is as good as any.
    """
    listed, chosen = disk_entries(state, image), state.image(image).default
    return chosen if chosen in listed else next(iter(listed), None)


def default_boot(documents: Documents, image: str) -> Boot | None:
    """Return what the image's default boots, groups and nodes left out.

    None without a default, without the image, or where the state dangles.
    """
    state = documents if isinstance(documents, State) else State(documents)
    there = state.get(Key("image", image)) is not None
    default = state.image(image).default if there else None
    return _boot_or_none(state, image, default)


def disk_boot(documents: Documents, image: str) -> Boot | None:
    """Return what the image's own disks boot that a target of the site serves.

    None where there is no such target, or the state dangles.
    """
    state = documents if isinstance(documents, State) else State(documents)
    if state.get(Key("image", image)) is None or not _has_tree(state, image):
        return None
    return _boot_or_none(state, image, disk_default(state, image))


def _has_tree(state: State, image: str) -> bool:
    found = (state.target(name) for name in state.names("target"))
    return any(target.enabled and target.image == image for target in found)


def _boot_or_none(state: State, image: str, entry: str | None) -> Boot | None:
    try:
        return boot_of(state, image, entry) if entry else None
    except NotFound:
        return None


def check_ties(state: State, template: Template) -> None:
    """InvalidInput when groups of equal priority contradict each other."""
    groups = [(state.group(name).priority, name) for name in template.groups]
    rules = state.site().rules
    for at, (priority, name) in enumerate(groups):
        for other_priority, other in groups[at + 1 :]:
            if priority == other_priority:
                rules.check_tie(_group(state, name), _group(state, other))


def base_layers(state: State, image_name: str, entry: str) -> list[Layer]:
    """Return the layers of image and entry: what a payload is made of."""
    image, config = state.image(image_name), state.entry(image_name, entry)
    ssi = image.ssi if config.ssi and image.ssi else Ssi()
    return [
        Layer(f"image {image_name}", image.params, image.without),
        Layer(f"ssi of {image_name}", ssi.params, ssi.without),
        Layer(f"entry {image_name}/{entry}", config.params, config.without),
    ]


def group_layers(state: State, template: Template) -> list[Layer]:
    """Return the layers of a template's groups, lowest first."""
    ordered = sorted((state.group(name).priority, name) for name in template.groups)
    return [_group(state, name) for _, name in ordered]


def _group(state: State, name: str) -> Layer:
    group = state.group(name)
    return Layer(f"group {name}", group.params, group.without)
