"""Command lines held to what loaders can write and carry, before a commit."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from kpstore.loaders.limits import check_line, longest
from kpstore.model.boot import Boot
from kpstore.model.moves import Moves
from kpstore.targets.registry import KINDS
from kpstore.targets.spec import TargetSpec


class _Line(NamedTuple):
    """A boot over the network, with the values of its node, or the longest of many."""

    boot: Boot
    values: dict[str, str]
    who: str


def check_lines(moves: Moves, specs: Collection[TargetSpec]) -> None:
    """Refuse what no loader can write or carry, where an edit touches what is served.

    That is a command line which is too long, or a boot that it has no words for.
    """
    for spec in specs:
        KINDS[spec.kind].check(spec, moves)
    for line in _lines(moves):
        check_line(*line)
        for spec in specs:
            KINDS[spec.kind].check_boot(spec, *line)


def _lines(moves: Moves) -> Iterator[_Line]:
    """Yield what an edit touches: of a template all, or the nodes that came to it."""
    before = moves.census.templates()
    whole = {*moves.changed_templates}
    whole.update(t for t in moves.touched_templates if t not in before)
    if any(key.kind == "target" for key in moves.new.changes):
        whole |= moves.templates.keys()
    for template in whole:
        boot = moves.new_boot(template)
        if boot is not None and boot.method != "local":
            nodes = moves.members(template) if boot.variables else []
            values = longest(boot.values(node) for node in nodes)
            yield _Line(boot, values, f"template {template.name}")
    for name, move in moves.nodes.items():
        if move.new_template is None or move.new_template in whole:
            continue  # its template's longest line was held to it
        boot = moves.new_boot(move.new_template)
        if move.new and boot and boot.method != "local" and boot.variables:
            yield _Line(boot, boot.values(move.new), f"node {name}")
