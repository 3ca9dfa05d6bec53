"""Edits of targets; their paths are local and kept in kp.toml."""

from typing import Any

from kpstore.model.documents import Target
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.model.validation import make, replace


def add(state: State, name: str, fields: dict[str, Any]) -> None:
    """Add a target."""
    state.add(Key("target", name), make(Target, fields, f"target {name}"))


def enable(state: State, name: str, enabled: bool) -> None:
    """Publish to a target again, or no more."""
    target = replace(state.target(name), {"enabled": enabled}, f"target {name}")
    state.put(Key("target", name), target)


def remove(state: State, name: str) -> None:
    """Take a target out of the site."""
    state.target(name)
    state.drop(Key("target", name))
