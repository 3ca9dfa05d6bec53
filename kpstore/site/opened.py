"""A site directory, opened for writing: documents, census, lock, after-work.

The lock and the targets are imported where they are needed: not by whoever looks, who
would start twice as slowly.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kpstore.artifacts.store import ArtifactStore
from kpstore.disk.durable import sweep_temporaries
from kpstore.disk.processes import boot_id
from kpstore.disk.reserve import SITE, Reserve
from kpstore.errors import CorruptState, DiskFailure, KpError
from kpstore.history import owners, walk
from kpstore.history.git import hook
from kpstore.history.index.audit import differing
from kpstore.history.index.census import of_moves
from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.history.index.feed import bring, rebuild
from kpstore.history.record import Record
from kpstore.history.snapshot import Snapshot
from kpstore.model.census import Census
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.site.census import SiteCensus
from kpstore.site.reader import SiteReader, quietly
from kpstore.site.seen import SeenTargets
from kpstore.targets.spec import TargetSpec

if TYPE_CHECKING:
    from kpstore.disk.locks import Hold
    from kpstore.site.targets import SiteTarget


class OpenSite(SiteReader):
    """One site, with all that its writers need."""

    def __init__(self, root: Path, tell: Callable[[str], None] = quietly) -> None:
        """Open it; NotFound when there is no site in `root`."""
        super().__init__(root, tell)
        self.artifacts = ArtifactStore(root / "state.git/lfs/objects")
        self.seen = SeenTargets(root / "seen")
        # Paths by target, as the writer found them; none: nothing is known.
        self.drifted: dict[str, list[str]] = {}
        self.mended: set[str] = set()
        self.doubt = ""  # why this writer, who lives, may have left something about
        self._main: Snapshot | None = None
        self._opened: dict[tuple[TargetSpec, Path, str], SiteTarget] | None = None

    @property
    def reserve(self) -> Reserve:
        """Return the room that is kept here for a rollback."""
        return Reserve(self.root / "reserve", SITE)

    def main(self) -> Snapshot:
        """Return what main holds now; of one commit, what was read is kept."""
        tip = self.tip()
        if self._main is None or self._main.commit != tip:
            self._main = Snapshot(self.repository, tip)
        return self._main

    def locked(
        self, holder: str, wait: float, on_wait: Callable[[str], None], *, since: str
    ) -> "AbstractContextManager[Hold]":
        """Hold the site's lock; see `SiteLock.hold`."""
        from kpstore.disk.locks import SiteLock

        lock = SiteLock(self.root / "lock", holder=holder)
        return lock.hold(wait, on_wait, since=since)

    def is_settled(self, tip: str) -> bool:
        """Tell whether somebody has swept since this machine was started.

        A power cut may lose the line in the lock that says who was at work.
        """
        return self.from_index(tip, lambda index: index.noted("boot")) == boot_id()

    def settle(self) -> None:
        """Note that somebody has swept."""
        self.note({"boot": boot_id()})

    def sweep(self, host: str) -> None:
        """Remove temps and locks of this host's killed writers from the site itself."""
        found = self.root / "found"
        for folder in (self.root, self.root / "seen", found, *found.rglob("*/")):
            sweep_temporaries(folder)
        self.repository.sweep(host)
        self.artifacts.sweep()

    def renew_hook(self, now: float) -> hook.State:
        """Bring what guards pushes up to date, under the lock; return what it was."""
        owners.begin(self.repository)
        return hook.renew(self.repository.path, self.found("state.git", now))

    def guard_pushes(self, now: float, tell: Callable[[str], None]) -> None:
        """Renew the hook where it has to be; no writer is stopped by it."""
        try:
            was = self.renew_hook(now)
        except KpError as error:
            tell(f"pushes are not guarded: {error.message}; {error.hint}")
        else:
            if was != "current":
                tell(f"the update hook was {was}: it is kp's again")

    def found(self, target: str, now: float) -> Path:
        """Name the folder where what others wrote on a target is kept, by time."""
        time = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        return self.root / "found" / time / target

    def census(self, snapshot: Snapshot) -> Census:
        """Count the nodes of a commit: by the index where it stands, else read."""
        return SiteCensus(self, snapshot)

    def targets(self, state: State) -> "list[SiteTarget]":
        """Open the enabled targets of a state."""
        return [target for target in self.every_target(state) if target.spec.enabled]

    def every_target(self, state: State) -> "list[SiteTarget]":
        """Open all targets of a state, disabled ones too."""
        specs = [
            TargetSpec.of(name, state.target(name).model_dump())
            for name in state.names("target")
        ]
        site = state.site().id
        return [self.open_target(spec, site) for spec in specs]

    def open_target(self, spec: TargetSpec, site: str) -> "SiteTarget":
        """Open one target at its path on this server."""
        from kpstore.site.targets import SiteTarget
        from kpstore.targets.registry import KINDS

        root, kind = self.settings.path_of(spec), KINDS[spec.kind]
        if root is None:
            return SiteTarget(spec, site, None)
        if kind.replaces:  # what gave way to it changes with each switch
            originals = self._originals(spec)
            opened = kind.open(spec, root, site, self.artifacts, originals)
            return SiteTarget(spec, site, opened)
        known, key = self._opened, (spec, root, site)
        if known is None or key not in known:
            opened = kind.open(spec, root, site, self.artifacts, {})
            known = {} if known is None else known
            known[key] = SiteTarget(spec, site, opened)
        return known[key]

    @contextmanager
    def keeping_targets(self) -> Iterator[None]:
        """Open no target twice in the block: one writer asks often."""
        self._opened = {}
        try:
            yield
        finally:
            self._opened = None

    def _originals(self, spec: TargetSpec) -> Mapping[str, str]:
        """Return what gave way to kp on a target, as noted when it was seen."""
        try:
            held = self.seen.read(spec.name)
        except (CorruptState, DiskFailure):  # the target has its own record
            held = None
        return held.originals if held else {}

    def feed_index(self, snapshot: Snapshot, record: Record, moves: Moves) -> None:
        """Bring the index to a commit; where it doesn't stand at its base, anew."""
        assert snapshot.commit
        commit = self.repository.commit(snapshot.commit)
        parent = commit.parents[0] if commit.parents else None
        line, index = walk.revision(commit), self.index
        try:
            if index is not None and parent is not None and index.head() == parent:
                index.feed(of_moves(parent, line, moves))
                return
        except IndexFailed as error:
            self.drop_index(error)
        self._bring_index(snapshot.commit)

    def check_index(self) -> None:
        """Hold the index against main: one that isn't right is made anew at the end."""
        self.from_index(self.tip(), self._check)

    def _check(self, index: Index) -> None:
        index.check()
        try:
            wrong = differing(index, State(self.main()))
        except IndexFailed:
            raise
        except KpError:  # of main: who needs what can't be read says so
            return
        if wrong:
            raise IndexFailed(f"it says of {wrong} otherwise than main")

    def keep_index(self) -> None:
        """Bring the index to main where no commit did; the caller holds the lock."""
        with suppress(KpError, OSError):  # it is only an aid
            tip = self.tip()
            if self.from_index(tip, Index.head) is None:
                self._bring_index(tip)

    def _bring_index(self, commit: str) -> None:
        make = rebuild if self._index_failed else bring
        self.index = make(self.index_file, self.repository, commit)
        self._index_failed = False
