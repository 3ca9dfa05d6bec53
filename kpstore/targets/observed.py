"""The light half of the contract: how a target is found and looked at.

Free of models, loaders and all that writes: `kp status` needs no more. The other half
is `contract`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import Finding, Identity, Look, Marker


class Observed(Protocol):
    """A target at its path, looked at; whatever is damaged there, nothing is raised.

    But OSErrors, raw.
    """

    @property
    def by_stamps(self) -> bool:
        """Tell whether `quick` goes by stamps; else it needs none to be sure."""

    def identity(self) -> Identity | None:
        """Return whose target it says it is; None when it is absent."""

    def marker(self) -> Marker | None:
        """Return what it says it serves; None where it says nothing."""

    def unfinished(self) -> bool:
        """Tell whether a switch began and did not end."""

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""

    def stamps(
        self, since: Mapping[str, str] = ..., *, files: bool = False
    ) -> Mapping[str, str]:
        """Return what `quick` goes by, to be taken after each switch; empty: nothing.

        `since`, `files`: what `quick` was given, which may have passed over some.
        Raises CorruptState where what is live can't be read.
        """

    def quick(self, since: Mapping[str, str], *, files: bool = False) -> Look:
        """Look, at a cost that doesn't grow with the nodes, what others changed.

        `since`: the stamps of the last writer. `files`: the times of nodes' own files
        are looked at too, however many, and no part is left to another look.
        """


class Observer(Protocol):
    """One kind of target, as far as looking goes."""

    @property
    def name(self) -> str:
        """Return the kind, as a target's document says it."""

    @property
    def order(self) -> int:
        """Return its place in the order of switching; lower ones are first."""

    @property
    def replaces(self) -> bool:
        """Tell whether others' files may give way to its own.

        What they were is noted for it then, and `open` is given it.
        """

    def inputs(self, spec: TargetSpec) -> Sequence[str]:
        """Return the paths, in a commit, of all that its rendering is made of.

        Beside the site's document and the target's own.
        """

    def observe(self, spec: TargetSpec, root: Path) -> Observed:
        """Return a target at its path, to be looked at."""
