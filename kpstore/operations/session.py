"""One writer at work: the lock held, what was left swept, targets watched.

A writer looks quickly at the targets, and notes how it leaves them.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from kpstore.errors import KpError, disk_failures
from kpstore.model.state import State
from kpstore.operations import recover
from kpstore.operations.caller import Caller
from kpstore.operations.outcome import TargetOutcome
from kpstore.operations.transaction import Manner
from kpstore.site import drift
from kpstore.site.comparing import compared
from kpstore.site.drift import Sighted
from kpstore.site.opened import OpenSite
from kpstore.targets.values import Finding

if TYPE_CHECKING:
    from kpstore.disk.locks import Hold


@dataclass(frozen=True)
class Session:
    """A caller who writes to a site."""

    site: OpenSite
    caller: Caller

    def locked(self) -> "AbstractContextManager[Hold]":
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
        it goes to its goal directly. `thorough`: nodes' own files are
        looked at too, and a target of which nothing is known counts as drifted.
        """
        with self.locked() as hold, self.site.keeping_targets():
            with disk_failures("finishing what a crash left"):
                tip = self.site.tip()
                self.site.record(tip)
                doubtful = bool(hold.left) or not self.site.is_settled(tip)
                self.site.keep_index()  # what is asked below is asked of it
                now, host = self.caller.clock(), self.caller.host
                self.site.doubt = ""
                recover.sweep(self.site, now, doubtful=doubtful, host=host)
                tried = recover.finish(self.site, now, host) if finishes else []
                hold.left = next((each.problem for each in tried if each.problem), "")
            self._tell(tried)
            self.site.guard_pushes(self.caller.clock(), self.caller.notify)
            with _watched(self.site, self.caller, thorough=thorough):
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
            unlock=caller.unlock,
            shield=caller.shield,
            committed=caller.committed,
            doing=caller.doing,
        )

    def _tell(self, outcomes: Collection[TargetOutcome]) -> None:
        for line in recover.told(outcomes):
            self.caller.notify(line)


@contextmanager
def _watched(site: OpenSite, caller: Caller, *, thorough: bool) -> Iterator[None]:
    """Tell what drifted, and note how the block leaves the targets.

    What nobody mended (`site.mended`) stays known as drift.
    """
    site.mended.clear()
    really = partial(_really, site, caller.clock())
    known = drift.look(_sighted(site), site, really, files=thorough)
    unknown = drift.unknown(_sighted(site), site) if thorough else ()
    site.drifted = {name: [] for name in unknown}
    site.drifted |= {name: [f.path for f in each] for name, each in known.items()}
    for name, findings in known.items():
        first = f"{findings[0].path} is {findings[0].kind}"
        caller.notify(f"target {name} drifted: {first}; kp verify, kp publish")
    before = drift.forget(_sighted(site), site)
    try:
        yield
    finally:
        for name in site.mended:  # all of it was looked at
            known.pop(name, None)
            before.pop(name, None)
        with suppress(KpError, OSError):  # what was done is done: nothing is known now
            drift.remember(_sighted(site), site, known, before, files=thorough)


def _really(site: OpenSite, now: float, name: str) -> list[Finding]:
    main = site.main()
    target = {each.name: each for each in site.targets(State(main))}[name]
    condition = target.condition(main.subtree, site.on_main)
    return compared(site, target, condition, now, deep=True)


def _sighted(site: OpenSite) -> list[Sighted]:
    """Return the enabled targets of main that have a path here."""
    targets = site.targets(State(site.main()))
    return [Sighted(t.spec, t.publisher) for t in targets if t.publisher]
