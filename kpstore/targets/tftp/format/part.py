"""A part of a generation that is named by its content: a menu, or a shard."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """A menu's or shard's directory by its content, and the objects that it needs.

    `objects` None: an older kp did not write what a shard needs; its files say it.
    """

    digest: str
    objects: tuple[str, ...] | None = field(default=(), compare=False)


def needs_of(parts: Iterable[Part]) -> frozenset[str]:
    """Return the SHA-256s of the objects that parts need, as far as it is said."""
    return frozenset(sha256 for part in parts for sha256 in part.objects or ())
