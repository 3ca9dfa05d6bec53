"""Edits of locks: nodes whose boot changes only when a person says so."""

from collections.abc import Collection, Mapping

from kpstore.errors import Refused
from kpstore.model.keys import Key
from kpstore.model.nodesets import fold, less, members
from kpstore.model.references import locked
from kpstore.model.state import State
from kpstore.model.validation import replace


def lock(state: State, names: Collection[str], why: str) -> None:
    """Lock nodes for a reason; one that had another reason has this one."""
    for name in names:
        state.node(name)
    kept = _without(state, names)
    together = members(kept.get(why, ""), {}) | set(names)
    _put(state, {**kept, why: fold(together)})


def unlock(state: State, names: Collection[str]) -> None:
    """Unlock nodes; Refused when none of them is locked."""
    if not locked(state).keys() & set(names):
        none = f"no node of {fold(names)} is locked"
        raise Refused(none, hint="kp status lists those that are")
    leave(state, names)


def of_node(state: State, name: str) -> str | None:
    """Return why a node is locked; None where it is not."""
    return locked(state).get(name)


def leave(state: State, names: Collection[str]) -> None:
    """Have no lock name the nodes."""
    if locked(state).keys() & set(names):
        _put(state, _without(state, names))


def rename(state: State, old: str, new: str) -> None:
    """Have a node's lock name it by its new name."""
    if why := of_node(state, old):
        leave(state, [old])
        lock(state, [new], why)


def _without(state: State, names: Collection[str]) -> dict[str, str]:
    locks = state.site().locks.items()
    return {why: left for why, nodes in locks if (left := less(nodes, names))}


def _put(state: State, locks: Mapping[str, str]) -> None:
    state.put(Key("site"), replace(state.site(), {"locks": locks}, "site"))
