"""What a target is to serve: one commit, in the words of boot state."""

from dataclasses import dataclass

from kpstore.model.census import Census, FullCensus
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.targets.values import Marker


@dataclass(frozen=True)
class Desired:
    """One commit, as a target is to serve it.

    `now` is seconds since 1970, `grace` the grace time in seconds. `moves`: what
    changed since what is live; None: all of it is asked for. `counted`: the state's
    census, if somebody has it. `older`: the name of another renderer, whose work stays
    where it is whole; what isn't is drawn anew.
    """

    state: State
    marker: Marker
    now: float
    grace: float
    moves: Moves | None = None
    counted: Census | None = None
    older: str | None = None

    def census(self) -> Census:
        """Return the state's census; where nobody has it, every node is read."""
        return self.counted or FullCensus(self.state)
