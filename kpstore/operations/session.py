"""One writer at work: the lock held, what was left swept, targets watched."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from kpstore.disk.locks import Hold
from kpstore.errors import disk_failures
from kpstore.operations import recover
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.transaction import Manner
from kpstore.operations.watching import watched
from kpstore.site.opened import OpenSite


@dataclass(frozen=True)
class Session:
    """A caller who writes to a site."""

    site: OpenSite
    caller: Caller

    def locked(self) -> AbstractContextManager[Hold]:
        """Hold the site's lock; Locked when another holds it for too long."""
        caller = self.caller
        holder = f"{caller.user} on {caller.host}: {' '.join(caller.argv)}"
        return self.site.locked(holder, caller.wait, caller.notify, since=caller.now)

    @contextmanager
    def writing(
        self, *, finishes: bool = False, thorough: bool = False
    ) -> Iterator[None]:
        """Hold the lock, with what killed writers left swept.

        `finishes`: and with what they were switching switched. A rollback leaves that:
        it goes to its goal directly. `thorough`: see `watched`.
        """
        with self.locked() as hold:
            with disk_failures("finishing what a crash left"):
                tip = self.site.tip()
                self.site.record(tip)
                doubtful = bool(hold.left) or not self.site.is_settled(tip)
                now, host = self.caller.clock(), self.caller.host
                recover.sweep(self.site, now, doubtful=doubtful, host=host)
                tried = recover.finish(self.site, now, host) if finishes else []
                hold.left = next((each.problem for each in tried if each.problem), "")
                self.site.doubt = ""
            self._tell(tried)
            self.site.guard_pushes(self.caller.clock(), self.caller.notify)
            with watched(self.site, self.caller, thorough=thorough):
                yield
                self.site.keep_index()
            hold.left = hold.left or self.site.doubt

    def catch_up(self) -> list[TargetOutcome]:
        """Bring to main what is behind otherwise than by choice; the lock is held."""
        caller = self.caller
        tried = recover.catch_up(self.site, caller.clock(), caller.host)
        self._tell(tried)
        return tried

    def manner(
        self,
        *,
        without: Collection[str] = (),
        force: bool = False,
        publishes: bool = True,
    ) -> Manner:
        """Return how the caller's proposals are carried out."""
        caller = self.caller
        return Manner(
            without={*without, *caller.without},
            along=caller.along,
            publishes=publishes,
            force=force,
            shield=caller.shield,
            committed=caller.committed,
            doing=caller.doing,
        )

    def _tell(self, outcomes: Collection[TargetOutcome]) -> None:
        for line in recover.told(outcomes):
            self.caller.notify(line)
