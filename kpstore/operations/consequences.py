"""What a rollback says of a state that no commit may make, and it makes it."""

from collections.abc import Callable, Iterable, Iterator

from kpstore.errors import KpError
from kpstore.model.boot import Boot
from kpstore.model.moves import Moves
from kpstore.model.nodesets import fold
from kpstore.model.templates import Template
from kpstore.operations.proposal import Proposal


def refusals(proposal: Proposal) -> Iterator[str]:
    """Say what a commit would be refused for: it may be why nodes don't boot."""
    try:
        proposal.check(force=True)
    except (KpError, OSError) as error:
        reason = error.message if isinstance(error, KpError) else str(error)
        yield f"a commit would be refused for this: {reason}"


def unresolved(moves: Moves) -> Iterator[str]:
    """Say which nodes have nothing to boot in the new state, and so get the policy."""
    came = (move.new_template for move in moves.nodes.values())
    templates = dict.fromkeys([*moves.changed_templates, *filter(None, came)])
    for why, lost in (
        ("variables are missing", _without_values(moves, templates)),
        ("no entry is the default", _without_entry(moves, templates)),
    ):
        if lost:
            yield (
                f"{fold(lost)} can't be resolved in the older state ({why}): they "
                "boot by the unknown-node policy"
            )


def _without_values(moves: Moves, templates: Iterable[Template]) -> list[str]:
    return [
        node.name
        for template in templates
        if (boot := moves.new_boot(template)) and boot.variables
        for node in moves.members(template)
        if len(boot.values(node)) < len(boot.variables)
    ]


def _without_entry(moves: Moves, templates: Iterable[Template]) -> list[str]:
    return [
        node.name
        for template in templates
        if template.image and moves.new_boot(template) is None
        for node in moves.members(template)
    ]


def bad_boots(
    image: str, default: Boot | None, disk: Boot | None, is_bad: Callable[[Boot], bool]
) -> Iterator[str]:
    """Say that what was gone back to is no way out."""
    if default and is_bad(default):
        yield f"image {image}: {default.entry}, its default now, is known bad"
    elif disk and is_bad(disk):
        yield (
            f"image {image}: {disk.entry}, which its disks boot by themselves, "
            "is known bad"
        )
