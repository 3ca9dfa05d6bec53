"""The invariants of boot state: what changed and what refers to it, no more.

docs/invariants.md lists them.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice

from kpstore.errors import InvalidInput, KpError
from kpstore.model.boot import check_ties, resolve
from kpstore.model.census import unique_values
from kpstore.model.document_checks import (
    check_document,
    check_image,
    check_members,
    take,
)
from kpstore.model.documents import Group, Node, Site
from kpstore.model.keys import Key
from kpstore.model.moves import Move, Moves, image_of
from kpstore.model.names import missing
from kpstore.model.params.demands import check_default, check_demands, is_demanding
from kpstore.model.params.layers import Layer
from kpstore.model.params.rules import Rules
from kpstore.model.state import State, check_casefold
from kpstore.model.templates import Template
from kpstore.model.variables import check as check_variables

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
        raise InvalidInput(
            f"{len(problems)} things are wrong:\n  {lines}",
            hint=problems[0].hint or "mend them one by one",
        )


def _of_documents(moves: Moves) -> Iterator[Callable[[], object]]:
    state, changes = moves.new, moves.new.changes
    for key, document in changes.items():
        yield partial(check_document, key, document, moves)
    for image in _images(moves):
        yield partial(check_image, state, image, moves)
        if is_demanding(state, image) and not _has_nodes(moves, image):
            yield partial(check_default, state, image)
    if any(_is_regrouped(moves, key) for key in changes):
        for name in state.names("group"):
            yield partial(check_members, moves, name)
    added = {key.kind for key in changes if moves.old.get(key) is None}
    for kind in sorted(added & {"image", "group", "target"}):
        yield partial(check_casefold, state.names(kind), kind)


def _has_nodes(moves: Moves, image: str) -> bool:
    return any(template.image == image for template in moves.templates)


def _images(moves: Moves) -> list[str]:
    """Return the images that are touched: all, where parameters merge otherwise."""
    changes = moves.new.changes
    found = {image_of(key) for key in changes} - {""}
    found |= {key.name for key in changes if key.kind == "rollout"}
    return sorted(found | set(moves.new.names("image") if moves.is_remerged else ()))


def _is_regrouped(moves: Moves, key: Key) -> bool:
    """Tell whether a change may leave a node set without a group that it names."""
    if key.kind != "group":
        return False
    old, new = moves.old.get(key), moves.new.get(key)
    return not (isinstance(old, Group) and isinstance(new, Group)) or (
        old.nodes != new.nodes
    )


def _of_nodes(moves: Moves) -> Iterator[Callable[[], object]]:
    for template in moves.touched_templates:
        yield partial(_check_resolves, template, moves)
    yield partial(_check_unique, moves)
    site = moves.new.site()
    check_node = partial(_check_node, moves, site, site.rules)
    for name, move in moves.nodes.items():
        yield partial(check_node, name, move)


def _of_templates(moves: Moves) -> Iterator[Callable[[], object]]:
    for template in moves.touched_templates:
        yield partial(_check_template, template, moves)


def _check_resolves(template: Template, moves: Moves) -> None:
    """NotFound for a name that dangles, and did not before."""
    _check_anew(lambda state: resolve(state, template), template, moves)


def _check_anew(
    check_of: Callable[[State], object], template: Template, moves: Moves
) -> None:
    """Hold the new state to a rule; what was broken just so before passes."""
    try:
        check_of(moves.new)
    except KpError as problem:
        if template not in moves.census.templates():
            raise
        try:
            check_of(moves.old)
        except KpError as known:
            if known.message == problem.message:
                return
        raise


def _check_unique(moves: Moves) -> None:
    """No two nodes hold one value; who is moved by this edit lets go of the old."""
    rules = moves.new.site().variables
    new = [move.new for move in moves.nodes.values() if move.new]
    wanted = {node.name: unique_values(node, rules) for node in new}
    holders = moves.census.holders({held for each in wanted.values() for held in each})
    taken = {held: name for held, name in holders.items() if name not in moves.nodes}
    for name, values in wanted.items():
        take(name, values, taken)


def _check_node(moves: Moves, site: Site, rules: Rules, name: str, move: Move) -> None:
    node = move.new
    if node is None or move.new_template is None:
        return
    state = moves.new
    if node.image is not None and state.get(Key("image", node.image)) is None:
        raise missing("image", node.image, state.names("image"))
    rules.check_layer(Layer(f"node {name}", node.params, node.without))
    _check_next(node, move.new_template, rules)
    boot = moves.new_boot(move.new_template)
    if boot:
        check_variables(node, boot.variables, site.variables)


def _check_next(node: Node, template: Template, rules: Rules) -> None:
    if node.next is None:
        return
    if not template.image:
        raise InvalidInput(
            f"node {node.name} has no image: its next boot {node.next.entry!r} is none",
            hint=f"name it IMAGE/{node.next.entry}, or kp next {node.name} --clear",
        )
    override = node.next
    layer = Layer(f"next boot of {node.name}", override.params, override.without)
    rules.check_layer(layer)


def _check_template(template: Template, moves: Moves) -> None:
    _check_anew(lambda state: check_ties(state, template), template, moves)
    _check_anew(lambda state: check_demands(state, template), template, moves)
    boot = moves.new_boot(template)
    if boot is None:
        return
    before = moves.old_boot(template)
    is_ruled_anew = Key("site") in moves.new.changes
    known = set(before.variables) if before and not is_ruled_anew else set()
    fresh = [name for name in boot.variables if name not in known]
    if fresh:
        for node in moves.members(template):
            check_variables(node, fresh, moves.new.site().variables)
