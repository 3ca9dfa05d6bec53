"""What a check of the doctor is, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from kpstore.site.opened import OpenSite

Level = Literal["ok", "note", "bad"]


class Advice(NamedTuple):
    """What was found of one thing; `mend` says what to do about it."""

    about: str
    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True)
class Visit:
    """A site at the time when it is examined (`now`: seconds since 1970).

    `deep`: every artifact and all of history are read. `user` is named where the lock
    is held: to renew the hook.
    """

    site: OpenSite
    now: float
    user: str
    deep: bool = False


class Check(NamedTuple):
    """One thing that is looked at. What stops a look is found, too."""

    about: str
    look: Callable[[Visit], Iterator[Advice]]
