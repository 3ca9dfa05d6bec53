"""What a kind of target is: a folder with these, and a line in the two registries.

`observed` is the half of it that only looks. A kind is asked in words of boot state
(`Desired`) and draws for itself; what publishes below it knows bytes alone.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from kpstore.disk.reserve import Reserve
from kpstore.model import documents
from kpstore.model.boot import Boot
from kpstore.model.documents import Node
from kpstore.model.moves import Moves
from kpstore.targets.desired import Desired
from kpstore.targets.keep import Keep
from kpstore.targets.observed import Observed, Observer
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import (
    ArtifactSource,
    FilePlan,
    Finding,
    Held,
    Leeway,
    Staged,
)

R = TypeVar("R")
"""A kind's own rendering of a commit, or of a change: bytes and paths."""


class Publisher(Observed, Protocol[R]):
    """A target at its path, published to. It need not be there yet; OSErrors pass raw.

    What is staged is complete and durable beside what is live, and unseen. At every
    instant the old or the new is served, or the target says that it is unfinished.
    """

    @property
    def reserve(self) -> Reserve | None:
        """Return the room that is kept here for a rollback, if any is."""

    @property
    def folders(self) -> tuple[tuple[Path, bool], ...]:
        """Name the folders that it makes names in, and whether all in each is kp's.

        Where a group shares a target, it writes there. None in an image tree, where no
        path can be trusted.
        """

    # --- whose it is

    def create(self, others: Collection[str]) -> None:
        """Make an empty target that no node can see. Idempotent; a hold stays.

        `others`: the site's other targets; one by no such name was left by a killed
        commit, and is gone on with. Raises NotFound when there is no such place,
        Refused when it is one of `others` or another site's, CorruptState for damage.
        """

    def take_back(self) -> None:
        """Undo `create` of this object, where it was no target before."""

    def adopt(self, found: Path) -> list[str]:
        """Make it this target, whoever's it was; return what is below `found` now."""

    def is_marked(self) -> bool:
        """Tell whether its marker says that it is this target, whoever it says it is.

        A rollback adopts such a one by itself. False where markers don't say that.
        """

    def set_hold(self, reason: str) -> None:
        """Hold it back from publishing, or release it by ''; NotFound when absent."""

    def retire(self) -> list[Finding]:
        """Be a target no more, where it is this one; return what stays of kp's."""

    # --- publishing

    def plan(self, rendering: R) -> FilePlan:
        """Name the files that a switch would write and remove."""

    def stage(self, rendering: R, leeway: Leeway) -> Staged:
        """Make a rendering ready; what is served stays as it is.

        Raises Refused for what is in the way as far as the `leeway` doesn't go, and for
        want of room; NotFound and CorruptState for artifacts, and where a change is to
        something else than what is live. Nothing is left then.
        """

    # --- checking and mending

    def verify(self, rendering: R, *, deep: bool) -> list[Finding]:
        """Compare with a complete rendering; `deep` reads every byte."""

    def as_drawn(self, rendering: R, renderer: str, *, deep: bool) -> R | None:
        """Return a complete rendering with what is live in place of what it draws.

        For what another `renderer` drew. None where what is live isn't whole; `deep`
        asks that of nodes' own files, too.
        """

    def repair(self, rendering: R, found: Path) -> list[Finding]:
        """Make it equal a complete rendering; return what was wrong.

        What others changed or added is copied below `found` first, durably.
        """

    # --- keeping

    def generations(self) -> list[tuple[int, str]]:
        """Return revision and commit (12 digits) of what it can go back to by itself.

        Oldest first, with what is live; none where it keeps one commit only.
        """

    def held(self) -> Held:
        """Return what lies here that somebody may need."""

    def sweep(self, keep: Keep) -> list[str]:
        """Remove what is neither live nor to be kept; return the paths that went.

        Refused, with nothing removed, when what stays leads to what would go.
        """


@dataclass(frozen=True)
class Target(Generic[R]):
    """One target opened: what publishes there, and what draws for it."""

    publisher: Publisher[R]
    render: Callable[[Desired], R]

    def plan(self, desired: Desired) -> FilePlan:
        """Name the files that publishing would write and remove."""
        return self.publisher.plan(self.render(desired))

    def stage(self, desired: Desired, leeway: Leeway) -> Staged:
        """Stage it beside what is live."""
        return self.publisher.stage(self.render(desired), leeway)

    def verify(self, desired: Desired, *, deep: bool) -> list[Finding]:
        """Compare the target with all that it should serve."""
        return self.publisher.verify(self._expected(desired, deep=deep), deep=deep)

    def repair(self, desired: Desired, found: Path) -> list[Finding]:
        """Make the target equal all that it should serve; see `Publisher.repair`."""
        return self.publisher.repair(self._expected(desired, deep=True), found)

    def _expected(self, desired: Desired, *, deep: bool) -> R:
        made = self.render(desired)
        if desired.older is None:
            return made
        return self.publisher.as_drawn(made, desired.older, deep=deep) or made


class Request(NamedTuple):
    """What a node asks a server for: in words, the path, and the file that answers.

    `server`: the target's own, `HOST[:PORT]`; "" where it names none.
    """

    what: str
    path: str
    file: Path
    server: str = ""


class Kind(Observer, Protocol):
    """One kind of target."""

    def open(
        self,
        spec: TargetSpec,
        root: Path,
        site: str,
        artifacts: ArtifactSource,
        remembered: Mapping[str, str],
    ) -> Target[Any]:
        """Open a target at its path on this server.

        `remembered`: what others' files were that gave way here, path -> SHA-256.
        """

    def check(self, spec: TargetSpec, moves: Moves) -> None:
        """Refuse what can't be drawn of an edit, as far as it needs no node."""

    def check_boot(
        self, spec: TargetSpec, boot: Boot, values: Mapping[str, str], who: str
    ) -> None:
        """Refuse a boot over the network that its loaders can't write or carry.

        `values`: the node's, or the longest of many; `who` boots it, for the message.
        """

    def files(
        self, spec: TargetSpec, desired: Desired, root: Path | None
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the text that would be served, by a name that people know it by.

        `root` is where this server has it, if it has.
        """

    def requests(
        self, spec: TargetSpec, root: Path, node: Node, boot: Boot
    ) -> Iterator[Request]:
        """Yield what a node that boots over the network asks this target for."""

    def advice(self, spec: TargetSpec, root: Path) -> Iterator[str]:
        """Say what the servers around a target need to be told; kp touches none."""

    def samples(self, images: Collection[str]) -> dict[str, documents.Target]:
        """Return made-up targets, by name, that together draw all that it can draw.

        For the renderer's name; `images` are those of the made-up state.
        """

    def always(self) -> dict[str, bytes]:
        """Return what it writes whatever the state, by name: for the same."""
