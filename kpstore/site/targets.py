"""The site's targets as this server sees them: opened, and judged against main."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kpstore.errors import KpError
from kpstore.model import documents
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.targets.condition import judge
from kpstore.targets.contract import Publisher, Target
from kpstore.targets.desired import Desired
from kpstore.targets.keep import Keep
from kpstore.targets.observers import OBSERVERS, inputs_of
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import (
    Condition,
    FilePlan,
    Finding,
    Held,
    Identity,
    Leeway,
    Marker,
    Staged,
)


def is_elsewhere(name: str, old: State, new: State) -> bool:
    """Tell whether a target is new, or at another place than it was."""
    before, after = old.get(Key("target", name)), new.target(name)
    return not isinstance(before, documents.Target) or (
        (before.kind, before.image, before.options.prefix)
        != (after.kind, after.image, after.options.prefix)
    )


@dataclass(frozen=True)
class SiteTarget:
    """One target; `opened` is None where this server has no path for it."""

    spec: TargetSpec
    site: str
    opened: Target[Any] | None

    @property
    def name(self) -> str:
        """Return the target's name."""
        return self.spec.name

    @property
    def order(self) -> int:
        """Return its place in the order of switching; lower ones are first."""
        return OBSERVERS[self.spec.kind].order

    @property
    def publisher(self) -> Publisher[Any] | None:
        """Return what publishes there, if there is a path."""
        return self.opened.publisher if self.opened else None

    def identity(self) -> Identity | None:
        """Return whose target it says it is."""
        return self.publisher.identity() if self.publisher else None

    def marker(self) -> Marker | None:
        """Return what it says it serves."""
        return self.publisher.marker() if self.publisher else None

    def unfinished(self) -> bool:
        """Tell whether a switch began and did not end."""
        return self.publisher is not None and self.publisher.unfinished()

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""
        return self.publisher.damage() if self.publisher else []

    def inputs(self, subtree: Callable[[str], str | None]) -> Mapping[str, str]:
        """Return the ids of all that its rendering is made of, by path."""
        return inputs_of(self.spec, subtree)

    def condition(
        self, subtree: Callable[[str], str | None], on_main: Callable[[str], bool]
    ) -> Condition:
        """Judge it against main; docs/architecture.md section 5 has the words."""
        inputs = partial(self.inputs, subtree)
        return judge(self.spec, self.site, self.publisher, inputs, on_main)

    def ahead_of(self, main: str) -> str:
        """Say what it is that kp leaves alone here; `main` names main's commit."""
        found, marker = self.identity(), self.marker()
        if found and (found.site, found.target) != (self.site, self.name):
            what = f"it is target {found.target} of site {found.site}"
        elif marker:
            of = f" of site {marker.site}" if marker.site != self.site else ""
            what = f"it serves r{marker.revision} {marker.commit[:12]}{of}"
        else:
            what = "it serves nothing that can be read"
        return f"{what}, main is {main}: kp publish {self.name} --force, if it may go"

    def plan(self, desired: Desired) -> FilePlan:
        """Name the files that publishing would write and remove."""
        return self._here.plan(desired)

    def stage(self, desired: Desired, leeway: Leeway) -> Staged:
        """Stage it beside what is live."""
        return self._here.stage(desired, leeway)

    def verify(self, desired: Desired, *, deep: bool) -> list[Finding]:
        """Compare the target with all that it should serve."""
        return self._here.verify(desired, deep=deep)

    def repair(self, desired: Desired, found: Path) -> list[Finding]:
        """Make the target equal what it should serve; what others changed: `found`."""
        return self._here.repair(desired, found)

    def adopt(self, found: Path) -> list[str]:
        """Make it this site's own, whoever's it was; return what was set aside."""
        return self._here.publisher.adopt(found)

    @property
    def _here(self) -> Target[Any]:
        assert self.opened, "who asks has seen that it has a path"
        return self.opened

    def held(self) -> Held | None:
        """Return what lies there that somebody may need; None: it can't be asked."""
        try:
            there = self.publisher is not None and self.identity() is not None
            return self.publisher.held() if self.publisher and there else None
        except (KpError, OSError):
            return None

    def sweep(self, keep: Keep) -> None:
        """Remove what is neither live nor to be kept."""
        if self.publisher:
            self.publisher.sweep(keep)

    def reclaim(self, found: Path) -> None:
        """Adopt one whose identity is lost and whose marker is ours.

        For a rollback alone: anybody else is told to adopt it.
        """
        here = self.publisher
        if here and not here.identity() and here.is_marked():
            here.adopt(found)

    def lost(self) -> str:
        """Say how one that is there, and says no longer whose it is, becomes ours."""
        if self.identity() or not (found := self.damage()):
            return ""
        paths = ", ".join(each.path for each in found)
        return f"{paths} can't be trusted: kp target adopt {self.name}"

    def retire(self) -> list[Finding]:
        """Leave a target that is no longer the site's; return what stays of kp's.

        An image tree gets its own loader files back; one that can't be reached keeps
        kp's. A TFTP root goes on serving what it serves: nodes that boot now must find
        something. Both can be added again, by any name.
        """
        return self.publisher.retire() if self.publisher else []
