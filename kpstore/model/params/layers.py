"""What a layer says, and what becomes of layers that are laid over each other."""

from typing import NamedTuple


class Layer(NamedTuple):
    """Parameters and who says them: `image web`, `group rack1`, `node n001`.

    `without` are keys or tokens that it takes away from the layers below.
    """

    origin: str
    params: tuple[str, ...]
    without: tuple[str, ...] = ()


class Merged(NamedTuple):
    """One parameter of a merged line, and the layer that it comes from."""

    token: str
    origin: str


class Replaced(NamedTuple):
    """A parameter that is in the line no more, whose it was, and who took it away.

    `gave_way_to` are the tokens that came instead; none where it was taken away.
    """

    token: str
    origin: str
    by: str
    gave_way_to: tuple[str, ...] = ()


class Line(NamedTuple):
    """Layers laid over each other: what stands, and what doesn't any more."""

    merged: tuple[Merged, ...]
    replaced: tuple[Replaced, ...] = ()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Return what stands, without who says it."""
        return tuple(each.token for each in self.merged)
