"""Edits of targets; their paths are local and kept in kp.toml."""

from collections.abc import Mapping, Sequence
from typing import Any

from kpstore.errors import InvalidInput
from kpstore.model.documents import Target
from kpstore.model.keys import Key
from kpstore.model.names import missing
from kpstore.model.state import State
from kpstore.model.validation import make, replace


def add(state: State, name: str, fields: dict[str, Any]) -> None:
    """Add a target."""
    state.add(Key("target", name), make(Target, fields, f"target {name}"))


def change(
    state: State,
    name: str,
    fields: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
) -> None:
    """Set fields and options of a target; have it serve more loaders, or fewer.

    NotFound for a loader to `drop` that it doesn't serve.
    """
    target, where = state.target(name), f"target {name}"
    loaders = [*fields.get("loaders", target.loaders)]
    for loader in drop:
        if loader not in loaders:
            raise missing("loader", loader, loaders)
        loaders.remove(loader)
    loaders += [loader for loader in add if loader not in loaders]
    if not loaders:
        raise InvalidInput(
            f"{where} would serve no loader",
            hint=f"kp target disable {name}, or kp target rm {name}",
        )
    changed = replace(target.options, dict(options), where)
    wanted = {**fields, "loaders": tuple(loaders), "options": changed}
    state.put(Key("target", name), replace(target, wanted, where))


def enable(state: State, name: str, enabled: bool) -> None:
    """Publish to a target again, or no more."""
    target = replace(state.target(name), {"enabled": enabled}, f"target {name}")
    state.put(Key("target", name), target)


def remove(state: State, name: str) -> None:
    """Take a target out of the site."""
    state.target(name)
    state.drop(Key("target", name))
