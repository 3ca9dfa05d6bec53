"""Who calls, from where and when: read by a front end, never in kpstore."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from kpstore.history.record import author, person
from kpstore.history.times import utc
from kpstore.operations.outcome import Outcome


def silent(_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Intent:
    """Who wants what and why; taken by the front end, never read in kpstore.

    `author` is `Name <mail>`; `time` is seconds since 1970, UTC.
    """

    op: str
    message: str
    author: str
    host: str
    argv: tuple[str, ...]
    time: int
    ticket: str = ""
    reverts: str = ""


@dataclass(frozen=True)
class Caller:
    """The caller of one verb.

    `user` names the draft and the author, unless `author` is given: a name, or
    `Name <mail>`. `clock` gives
    seconds since 1970, UTC. `wait` is seconds to wait for the lock. `notify` is told
    what a person may want to know meanwhile, `doing` what is being done just now, for
    a progress display. `shield` holds signals back from the
    commit point on. `without` are the targets that a commit leaves behind, `along`
    those that it brings although they were left behind before. `unlock`: what locked
    nodes boot may change. `committed` is told of
    a commit as soon as it is one, whatever goes wrong later: its targets lag then; and
    again when they were switched.
    """

    user: str
    host: str
    argv: tuple[str, ...]
    clock: Callable[[], float]
    wait: float = 60.0
    author: str = ""
    ticket: str = ""
    without: Collection[str] = ()
    along: Collection[str] = ()
    unlock: bool = False
    notify: Callable[[str], None] = silent
    doing: Callable[[str], None] = silent
    shield: Callable[[], AbstractContextManager[None]] = nullcontext
    committed: Callable[[Outcome], None] = silent

    @property
    def person(self) -> str:
        """Return the author as `Name <mail>`."""
        if self.author:
            return author(self.author, self.host)
        return person(self.user, self.host)

    @property
    def now(self) -> str:
        """Return the time as text: ISO 8601, UTC."""
        return utc(self.clock())

    def intent(
        self, op: str, message: str, force: str = "", *, reverts: str = ""
    ) -> Intent:
        """Return what goes into a commit's record; `force` is the reason given."""
        text = f"{message}\n\nForced: {force}" if force else message
        return Intent(
            op=op,
            message=text,
            author=self.person,
            host=self.host,
            argv=self.argv,
            time=int(self.clock()),
            ticket=self.ticket,
            reverts=reverts,
        )
