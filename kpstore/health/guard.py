"""What takes --force: a known-bad payload that would be booted and was not before."""

from collections.abc import Iterator

from kpstore.health.verdicts import refuse_bad
from kpstore.model.boot import Boot, default_boot, disk_boot
from kpstore.model.documents import Target
from kpstore.model.keys import Key
from kpstore.model.moves import Moves, image_of
from kpstore.model.nodesets import fold
from kpstore.model.templates import Template


def refuse_bad_boots(moves: Moves) -> None:
    """NeedsConfirmation for a default, a disk's entry or a next boot that is bad.

    Only for what changes: whose payload was booted there before may go on with it.
    """
    states = moves.old, moves.new
    for what, boot in (*_of_images(moves), *_of_next_boots(moves)):
        refuse_bad(states, what, boot.payload)


def _of_images(moves: Moves) -> Iterator[tuple[str, Boot]]:
    for image in _touched(moves):
        for booted, what in (
            (default_boot, "the new default"),
            (disk_boot, "{entry}, which its disks boot by themselves,"),
        ):
            before, after = booted(moves.old, image), booted(moves.new, image)
            if after and _differs(before, after):
                yield f"image {image}: {what.format(entry=after.entry)}", after


def _touched(moves: Moves) -> list[str]:
    """Return the images whose nodes or disks may boot another payload now."""
    changes = moves.new.changes
    if Key("site") in changes:  # its rules decide how parameters merge
        return moves.new.names("image")
    served = {d.image for d in changes.values() if isinstance(d, Target) and d.image}
    found = ({image_of(key) for key in changes} | served) - {""}
    return sorted(each for each in found if moves.new.get(Key("image", each)))


def _of_next_boots(moves: Moves) -> Iterator[tuple[str, Boot]]:
    for template in moves.templates:
        boot = moves.new_boot(template) if template.entry else None
        if boot and (names := _newly(moves, template, boot)):
            yield f"{boot.image}/{boot.entry}, the next boot of {fold(names)},", boot


def _newly(moves: Moves, template: Template, boot: Boot) -> list[str]:
    """Return the nodes of an override that booted another payload before."""
    came = [
        name
        for name, move in moves.nodes.items()
        if move.new_template == template
        and _differs(move.old_template and moves.old_boot(move.old_template), boot)
    ]
    if not moves.concerns(template) or not _differs(moves.old_boot(template), boot):
        return came
    stayed = moves.census.nodes_of(template)
    return [*came, *(name for name in stayed if name not in moves.nodes)]


def _differs(before: Boot | None, after: Boot) -> bool:
    return before is None or before.payload.id != after.payload.id
