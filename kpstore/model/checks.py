"""The invariants of boot state: what changed and what refers to it, no more."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice

from kpstore.errors import InvalidInput, KpError
from kpstore.model.boot import check_ties
from kpstore.model.census import Held, unique_values
from kpstore.model.documents import (
    Document,
    Group,
    Image,
    KernelConfig,
    Site,
    Target,
)
from kpstore.model.keys import Key
from kpstore.model.moves import Move, Moves, group_sets, image_of
from kpstore.model.names import check_name, missing
from kpstore.model.nodesets import members
from kpstore.model.params import Layer, check_layer
from kpstore.model.state import State, check_casefold
from kpstore.model.templates import Template
from kpstore.model.variables import check as check_variables

_TREE_LOADERS = {"grub", "bls", "extlinux", "systemconfig", "elilo"}
_TFTP_LOADERS = {"pxelinux", "grub", "ipxe", "elilo"}
_MOST = 20


def check(moves: Moves) -> None:
    """InvalidInput with every violation (20 at most) that the edit would bring.

    Documents first: what nodes boot is asked only of documents that hold together.
    """
    for checks in (_of_documents, _of_nodes, _of_templates):
        _raise(_problems(checks(moves)))


def _problems(checks: Iterator[Callable[[], object]]) -> Iterator[KpError]:
    for run in checks:
        try:
            run()
        except KpError as problem:
            yield problem


def _raise(found: Iterator[KpError]) -> None:
    problems = list({each.message: each for each in islice(found, _MOST)}.values())
    if len(problems) == 1:
        raise problems[0]
    if problems:
        lines = "\n  ".join(problem.message for problem in problems)
        raise InvalidInput(f"{len(problems)} things are wrong:\n  {lines}")


def _of_documents(moves: Moves) -> Iterator[Callable[[], object]]:
    state, changes = moves.new, moves.new.changes
    for image in sorted({image_of(key) for key in changes} - {""}):
        yield partial(_check_image, state, image, moves)
    for key, document in changes.items():
        if document is not None:
            yield partial(_check_document, key, document, moves)
    for kind in sorted({key.kind for key in changes} & {"image", "group", "target"}):
        yield partial(check_casefold, state.names(kind), kind)


def _of_nodes(moves: Moves) -> Iterator[Callable[[], object]]:
    before = moves.census.templates()
    for template in moves.templates:
        if template not in before or moves.concerns(template):
            yield partial(moves.new_boot, template)
    yield partial(_check_unique, moves)
    for name, move in moves.nodes.items():
        yield partial(_check_node, name, move, moves)


def _of_templates(moves: Moves) -> Iterator[Callable[[], object]]:
    for template in _templates_to_check(moves):
        yield partial(_check_template, template, moves)


def _check_document(key: Key, document: Document, moves: Moves) -> None:
    if key.kind in ("target", "group", "image"):
        check_name(key.name, key.kind)
    if isinstance(document, Group):
        _check_group(moves.new, key.name, document)
    if isinstance(document, Target):
        _check_target(moves.new, key.name, document)
    if isinstance(document, Site):
        _check_site(moves, document)


def _check_image(state: State, name: str, moves: Moves) -> None:
    image = state.get(Key("image", name))
    entries, kernels = state.names("entry", name), state.names("kernel", name)
    if not isinstance(image, Image):
        _check_gone(state, name, [*entries, *kernels], moves)
        return
    _check_default(name, image, entries)
    check_casefold(entries, f"entry of {name}")
    check_casefold(kernels, f"kernel of {name}")
    check_layer(Layer(f"image {name}", image.params), state.site().repeatable)
    for entry in entries:
        _check_entry(state, name, entry, image)


def _check_gone(state: State, name: str, rest: list[str], moves: Moves) -> None:
    if rest:
        raise InvalidInput(f"image {name} goes, but {', '.join(rest)} would stay")
    users = sum(n for t, n in moves.templates.items() if t.image == name)
    if users:
        raise InvalidInput(
            f"image {name} is used by {users} nodes",
            hint="kp node set NODESET --image OTHER first",
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
    layer = Layer(where, entry.params)
    check_layer(layer, state.site().repeatable)
    if entry.xen:
        xen = state.get(Key("kernel", entry.xen.kernel, image_name))
        _check_kernel(where, entry.xen.kernel, xen, "xen", image)


def _check_kernel(
    where: str, name: str, kernel: object, kind: str, image: Image
) -> None:
    if not isinstance(kernel, KernelConfig):
        raise InvalidInput(f"{where}: its kernel {name!r} does not exist")
    if kernel.kind != kind:
        raise InvalidInput(f"{where}: {name} is of kind {kernel.kind}, not {kind}")
    if kernel.arch != image.arch:
        raise InvalidInput(
            f"{where}: kernel {name} is for {kernel.arch}, the image is {image.arch}"
        )


def _check_group(state: State, name: str, group: Group) -> None:
    members(group.nodes, group_sets(state))
    check_layer(Layer(f"group {name}", group.params), state.site().repeatable)


def _check_target(state: State, name: str, target: Target) -> None:
    allowed = _TFTP_LOADERS if target.kind == "tftp" else _TREE_LOADERS
    wrong = [loader for loader in target.loaders if loader not in allowed]
    if wrong:
        raise InvalidInput(
            f"target {name}: a target of kind {target.kind} has no {', '.join(wrong)}",
            hint=f"its loaders are {' '.join(sorted(allowed))}",
        )
    if (target.kind == "image") != (target.image is not None):
        raise InvalidInput(f"target {name}: an image belongs to kind image, only")
    if target.image is not None:
        state.image(target.image)


def _check_site(moves: Moves, new: Site) -> None:
    old = moves.old.get(Key("site"))
    if not isinstance(old, Site):
        return
    if old.id != new.id:
        raise InvalidInput("the site's id never changes")
    if old.variables != new.variables:
        taken: dict[Held, str] = {}
        for node in moves.new.nodes():
            _take(node.name, unique_values(node, new.variables), taken)


def _take(node: str, values: Iterable[Held], taken: dict[Held, str]) -> None:
    for held in values:
        other = taken.setdefault(held, node)
        if other != node:
            raise InvalidInput(
                f"{held[0]} {held[1]} is of {other} and of {node}",
                hint="give each node its own",
            )


def _check_unique(moves: Moves) -> None:
    """No two nodes hold one value; who is moved by this edit lets go of the old."""
    rules = moves.new.site().variables
    new = [move.new for move in moves.nodes.values() if move.new]
    wanted = {node.name: unique_values(node, rules) for node in new}
    holders = moves.census.holders({held for each in wanted.values() for held in each})
    taken = {held: name for held, name in holders.items() if name not in moves.nodes}
    for name, values in wanted.items():
        _take(name, values, taken)


def _check_node(name: str, move: Move, moves: Moves) -> None:
    node = move.new
    if node is None or move.new_template is None:
        return
    state = moves.new
    if node.image is not None and state.get(Key("image", node.image)) is None:
        raise missing("image", node.image, state.names("image"))
    check_layer(Layer(f"node {name}", node.params), state.site().repeatable)
    boot = moves.new_boot(move.new_template)
    if boot:
        check_variables(node, boot.variables, state.site().variables)


def _templates_to_check(moves: Moves) -> Iterable[Template]:
    """Templates that are new, or that an image, group or site change touches."""
    before = moves.census.templates()
    for template in moves.templates:
        if template not in before or template in moves.changed_templates:
            yield template
    if _site_changed(moves):
        yield from (t for t in moves.templates if t in before)


def _check_template(template: Template, moves: Moves) -> None:
    boot = moves.new_boot(template)
    check_ties(moves.new, template)
    if boot is None:
        return
    before = moves.old_boot(template)
    known = set(before.variables) if before and not _site_changed(moves) else set()
    fresh = [name for name in boot.variables if name not in known]
    if fresh:
        for node in moves.members(template):
            check_variables(node, fresh, moves.new.site().variables)


def _site_changed(moves: Moves) -> bool:
    return Key("site") in moves.new.changes
