"""Locks: nodes whose boot changes only when a person says so.

They are the site's, each a reason with its nodes. The way back goes through them.
"""

from collections.abc import Iterator

from kpstore.errors import NeedsConfirmation
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.nodesets import fold
from kpstore.model.references import locked
from kpstore.model.state import State


def refuse_locked(moves: Moves) -> None:
    """NeedsConfirmation for an edit that changes what locked nodes boot.

    Who lifts a lock by the same edit has said so.
    """
    after = locked(moves.new)
    held = [n for n in _changed(moves) if n in after or not _is_there(moves.new, n)]
    if held:
        why = "; ".join(_told(held, locked(moves.old)))
        raise NeedsConfirmation(
            f"what locked nodes boot would change: {why}",
            hint=f"--unlock does it once; kp node unlock {fold(held)} -m WHY for good",
        )


def said(moves: Moves) -> Iterator[str]:
    """Say which locked nodes boot differently, and why they are locked."""
    for each in _told(_changed(moves), locked(moves.old)):
        yield f"locked nodes boot differently: {each}"


def _changed(moves: Moves) -> list[str]:
    names = locked(moves.old)
    touched = set(moves.touched_nodes) if names else set()
    templates = set(moves.changed_templates) if names else set()
    return [
        name
        for name in names
        if name in touched
        or (name not in moves.nodes and moves.census.template_of(name) in templates)
    ]


def _told(names: list[str], reasons: dict[str, str]) -> Iterator[str]:
    for why in dict.fromkeys(reasons[name] for name in names):
        yield f"{fold(name for name in names if reasons[name] == why)} ({why})"


def _is_there(state: State, name: str) -> bool:
    return state.get(Key("node", name)) is not None
