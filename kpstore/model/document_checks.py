"""The invariants of single documents, and of the names that they hold."""

from collections.abc import Iterable

from kpstore.errors import InvalidInput, KpError
from kpstore.model import bounds
from kpstore.model.census import Held, unique_values
from kpstore.model.documents import (
    Document,
    Group,
    Image,
    KernelConfig,
    Rollout,
    Site,
    Target,
)
from kpstore.model.folding import counted
from kpstore.model.keys import Key
from kpstore.model.moves import Moves, group_sets
from kpstore.model.names import check_name
from kpstore.model.nodesets import canonical, fold, members
from kpstore.model.params.layers import Layer
from kpstore.model.references import nodes_of_image
from kpstore.model.state import State, check_casefold
from kpstore.model.vocabulary import LOADERS, OF_AN_IMAGE


def check_document(key: Key, document: Document | None, moves: Moves) -> None:
    """InvalidInput when a target, group or the site's settings break a rule."""
    if key.kind == "site":
        _check_site(moves, document)
    if document is None:
        return
    if key.kind in ("target", "group", "image", "kernel"):
        check_name(key.name, key.kind)
    if isinstance(document, Group):
        layer = Layer(f"group {key.name}", document.params, document.without)
        moves.new.site().rules.check_layer(layer)
    if isinstance(document, Target):
        _check_target(moves, key.name, document)


def check_image(state: State, name: str, moves: Moves) -> None:
    """Hold an image together with its entries, kernels and rollout."""
    image = state.get(Key("image", name))
    entries, kernels = state.names("entry", name), state.names("kernel", name)
    rollout = state.get(Key("rollout", name))
    if not isinstance(image, Image):
        rest = [*entries, *kernels, *(["its rollout"] if rollout else [])]
        _check_gone(state, name, rest, moves)
        return
    if len(entries) > bounds.ENTRIES:
        raise InvalidInput(
            f"image {name} has {len(entries):,} entries, more than {bounds.ENTRIES:,}",
            hint=f"kp entry rm {name} ENTRY, or another image",
        )
    _check_default(name, image, entries)
    check_casefold(entries, f"entry of {name}")
    check_casefold(kernels, f"kernel of {name}")
    check_layer = state.site().rules.check_layer
    check_layer(Layer(f"image {name}", image.params, image.without))
    if image.ssi:
        check_layer(Layer(f"ssi of {name}", image.ssi.params, image.ssi.without))
    for entry in entries:
        _check_entry(state, name, entry, image)
    if isinstance(rollout, Rollout) and rollout.entry not in entries:
        raise InvalidInput(
            f"image {name}: its rollout's entry {rollout.entry!r} does not exist",
            hint="keep that entry, or end the rollout in the same commit",
        )


def _check_gone(state: State, name: str, rest: list[str], moves: Moves) -> None:
    if rest:
        raise InvalidInput(
            f"image {name} goes, but {', '.join(rest)} would stay",
            hint=f"kp image rm {name} removes them along",
        )
    hint = "kp node set NODESET --image OTHER first"
    users = sum(n for t, n in moves.templates.items() if t.image == name)
    if users:
        many = counted(users, "node")
        raise InvalidInput(f"image {name} is used by {many}", hint=hint)
    hidden = [node.name for node in nodes_of_image(moves, name)]
    if hidden:
        raise InvalidInput(
            f"image {name} is that of {fold(hidden)}, though another is next there",
            hint=hint,
        )
    for target in state.names("target"):
        if state.target(target).image == name:
            raise InvalidInput(
                f"image {name} is what target {target} serves",
                hint=f"kp target rm {target} first",
            )


def _check_default(name: str, image: Image, entries: list[str]) -> None:
    if image.default is not None and image.default not in entries:
        raise InvalidInput(
            f"image {name}: default {image.default!r} is not one of its entries",
            hint=f"kp default {name} {entries[0]}" if entries else "kp entry add",
        )
    if image.default is None and entries:
        raise InvalidInput(
            f"image {name} has entries and no default",
            hint=f"kp default {name} {entries[0]}",
        )


def _check_entry(state: State, image_name: str, name: str, image: Image) -> None:
    entry, where = state.entry(image_name, name), f"entry {image_name}/{name}"
    check_name(name, "entry")
    kernel = state.get(Key("kernel", entry.kernel, image_name))
    _check_kernel(where, entry.kernel, kernel, "linux", image)
    layer = Layer(where, entry.params, entry.without)
    state.site().rules.check_layer(layer)
    if entry.xen:
        xen = state.get(Key("kernel", entry.xen.kernel, image_name))
        _check_kernel(where, entry.xen.kernel, xen, "xen", image)


def _check_kernel(
    where: str, name: str, kernel: object, kind: str, image: Image
) -> None:
    if not isinstance(kernel, KernelConfig):
        raise InvalidInput(
            f"{where}: its kernel {name!r} does not exist",
            hint="kp kernel list IMAGE names those that there are",
        )
    if kernel.kind != kind:
        raise InvalidInput(
            f"{where}: {name} is of kind {kernel.kind}, not {kind}",
            hint="--kernel names a Linux kernel, --xen a hypervisor",
        )
    if kernel.arch != image.arch:
        raise InvalidInput(
            f"{where}: kernel {name} is for {kernel.arch}, the image is {image.arch}",
            hint="take in a kernel that was built for the image's machines",
        )


def check_members(moves: Moves, name: str) -> None:
    """Hold a group's node set to the groups that there are.

    One that an edit leaves alone, and that could not be read before, passes.
    """
    group = moves.new.group(name)
    changed = Key("group", name) in moves.new.changes
    if not changed and "@" not in group.nodes:
        return
    try:
        members(group.nodes, group_sets(moves.new))
    except KpError as error:
        if changed or _could_be_read(moves.old, name):
            raise InvalidInput(
                f"group {name} is {group.nodes}: {error.message}",
                hint=error.hint
                if changed
                else f"kp group set {name} --nodes NODESET first",
            ) from None


def _could_be_read(state: State, group: str) -> bool:
    try:
        members(state.group(group).nodes, group_sets(state))
    except KpError:
        return False
    return True


def _check_target(moves: Moves, name: str, target: Target) -> None:
    allowed = LOADERS[target.kind]
    wrong = [loader for loader in target.loaders if loader not in allowed]
    if wrong:
        raise InvalidInput(
            f"target {name}: a target of kind {target.kind} has no {', '.join(wrong)}",
            hint=f"its loaders are {' '.join(sorted(allowed))}",
        )
    if (target.kind in OF_AN_IMAGE) != (target.image is not None):
        kinds = " and ".join(sorted(OF_AN_IMAGE))
        raise InvalidInput(
            f"target {name}: an image belongs to kind {kinds}, only",
            hint=f"--kind {kinds}, or leave out --image",
        )
    before = moves.old.get(Key("target", name))
    if isinstance(before, Target) and (
        (before.kind, before.image) != (target.kind, target.image)
    ):
        raise InvalidInput(
            f"target {name} stays of kind {before.kind}"
            + (f" and image {before.image}" if before.image else ""),
            hint=f"kp target rm {name}, and kp target add another",
        )
    if target.image is not None:
        moves.new.image(target.image)
        _check_one_tree(moves, name, target.image)


def _check_one_tree(moves: Moves, name: str, image: str) -> None:
    """No two targets share one tree; two that did before are left alone."""
    old = moves.old.get(Key("target", name))
    if isinstance(old, Target) and old.image == image:
        return
    for other in moves.new.names("target"):
        if other != name and moves.new.target(other).image == image:
            raise InvalidInput(
                f"the tree of image {image} is target {other} already",
                hint=f"kp target rm {other} first, or use that one",
            )


def _check_site(moves: Moves, new: Document | None) -> None:
    if not isinstance(new, Site):
        raise InvalidInput(
            "the site's settings (site.json) can't go", hint="leave site.json as it is"
        )
    _check_locks(new)
    old = moves.old.get(Key("site"))
    if not isinstance(old, Site):
        return
    if old.id != new.id:
        raise InvalidInput(
            "the site's id never changes", hint="leave id in site.json as it is"
        )
    if old.variables != new.variables:
        taken: dict[Held, str] = {}
        for node in moves.new.nodes():
            take(node.name, unique_values(node, new.variables), taken)
    if moves.is_remerged:
        new.rules.check()
        for layer in _layers(moves.new):
            new.rules.check_layer(layer)


def _check_locks(site: Site) -> None:
    for why, nodes in site.locks.items():
        if canonical(nodes, {}) != nodes:
            raise InvalidInput(
                f"site.json: locks: {why}: {nodes} is no folded set of nodes",
                hint="kp node lock NODESET -m WHY",
            )


def _layers(state: State) -> Iterable[Layer]:
    """Yield the parameters of groups and nodes; images hold their own together."""
    for name, group in state.groups().items():
        yield Layer(f"group {name}", group.params, group.without)
    for node in state.nodes():
        yield Layer(f"node {node.name}", node.params, node.without)
        if override := node.next:
            origin = f"next boot of {node.name}"
            yield Layer(origin, override.params, override.without)


def take(node: str, values: Iterable[Held], taken: dict[Held, str]) -> None:
    """Note what a node holds; InvalidInput when another holds it."""
    for held in values:
        other = taken.setdefault(held, node)
        if other != node:
            raise InvalidInput(
                f"{held[0]} {held[1]} is of {other} and of {node}",
                hint="give each node its own",
            )
