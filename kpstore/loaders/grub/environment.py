"""GRUB's variables.

A submenu, and a file by `configfile`, see only variables that were exported; what
they set is gone when they end (grub-core/normal/context.c).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from kpstore.errors import InvalidInput

_LONGEST: Final = 1 << 14  # characters of a value; a command line has 2,047
_MOST: Final = 5_000  # variables


class Environment:
    """Variables in their contexts; unset ones are empty."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Begin with exported `values`."""
        self._contexts = [dict(values)]
        self._exported = [set(values)]

    def get(self, name: str) -> str:
        """Return a variable's value."""
        return self._contexts[-1].get(name, "")

    def has(self, name: str) -> bool:
        """Tell whether it is set."""
        return name in self._contexts[-1]

    def knows(self, name: str) -> bool:
        """Tell whether it is set here, or in a context around."""
        return any(name in each for each in self._contexts)

    def set(self, name: str, value: str) -> None:
        """Set a variable; InvalidInput for more than any real script has.

        `root` loses the parentheses around a device.
        """
        if name == "root" and value[:1] == "(" and value[-1:] == ")":
            value = value[1:-1]
        here = self._contexts[-1]
        here[name] = value
        if len(value) > _LONGEST or len(here) > _MOST:
            raise InvalidInput(f"its variables grow beyond all measure at {name[:40]}")

    def unset(self, name: str) -> None:
        """Forget a variable."""
        self._contexts[-1].pop(name, None)
        self._exported[-1].discard(name)

    def export(self, names: Iterable[str]) -> None:
        """Let inner contexts see variables; what isn't set is empty."""
        for name in names:
            self._contexts[-1].setdefault(name, "")
            self._exported[-1].add(name)

    def open(self) -> None:
        """Begin an inner context, with what is exported."""
        seen = {*self._exported[-1]}
        outer = self._contexts[-1]
        self._exported.append(seen)
        self._contexts.append({name: outer[name] for name in seen})

    def close(self) -> None:
        """End the inner context."""
        self._contexts.pop()
        self._exported.pop()

    def mark(self) -> "Environment":
        """Return a copy, which changes of this one don't reach."""
        copy = Environment({})
        copy._contexts = [dict(each) for each in self._contexts]
        copy._exported = [set(each) for each in self._exported]
        return copy
