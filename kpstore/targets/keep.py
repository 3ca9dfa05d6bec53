"""What a sweep leaves on a target, beside what is live."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol


class Remembered(Protocol):
    """What parts were found to need, by their path below the root; parts are immutable.

    A cache: what it doesn't know is read again.
    """

    def get(self, part: str) -> frozenset[str] | None:
        """Return the SHA-256s that a part needs; None: it was never read."""

    def put(self, part: str, needs: frozenset[str]) -> None:
        """Remember them."""


class _Nothing:
    """Remembers nothing: all is read."""

    def get(self, part: str) -> frozenset[str] | None:
        """Return None."""

    def put(self, part: str, needs: frozenset[str]) -> None:
        """Do nothing."""


NOTHING: Final[Remembered] = _Nothing()


@dataclass(frozen=True)
class Keep:
    """What may still be needed; a kind takes of it what it has a place for.

    `commits`: those whose generations stay. Of others, what nodes may still ask for
    that were sent there in the last `grace` seconds before `now` (seconds since 1970).
    `artifacts`: SHA-256s, and `releases` of kernels whose modules stay. `remembered`:
    what parts were found to need before.
    """

    commits: Collection[str] = ()
    artifacts: Collection[str] = ()
    releases: Collection[str] = ()
    now: float = 0
    grace: float = 0
    remembered: Remembered = NOTHING
