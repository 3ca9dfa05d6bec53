"""A TFTP target: every node's menus, switched from commit to commit by one rename."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kpstore.disk.durable import (
    make_directories,
    sweep_temporaries,
)
from kpstore.disk.reserve import TARGET, Reserve
from kpstore.errors import CorruptState, NotFound, Refused
from kpstore.targets.keep import Keep
from kpstore.targets.tftp.drawn import as_drawn
from kpstore.targets.tftp.expected import wanted
from kpstore.targets.tftp.format import damage as tftp_damage
from kpstore.targets.tftp.format import ground, outgoing
from kpstore.targets.tftp.format.aside import clear_folder, set_aside
from kpstore.targets.tftp.format.defaults import Defaults
from kpstore.targets.tftp.format.identity import (
    forget,
    lacking,
    still_serving,
    take_back,
    write_identity,
)
from kpstore.targets.tftp.format.layout import (
    IDENTITY,
    RESERVE,
    Layout,
    Lookup,
)
from kpstore.targets.tftp.format.state import read_identity, read_live
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.observe import ServedTftp
from kpstore.targets.tftp.plan import Planned, prepare
from kpstore.targets.tftp.repair import adopt, in_generation, mend
from kpstore.targets.tftp.stage import write_generation
from kpstore.targets.tftp.sweep import generations, sweep
from kpstore.targets.tftp.switch import StagedGeneration
from kpstore.targets.tftp.verify import verify
from kpstore.targets.values import (
    NO_LEEWAY,
    ArtifactSource,
    FilePlan,
    Finding,
    Held,
    Identity,
    Leeway,
    Staged,
)


class TftpTarget(ServedTftp):
    """A TFTP root that kp publishes to.

    `loaders` are of those whose `lookups` are known; `prefix` is kp's root below the
    TFTP root. `policy` is each loader's menu for unknown nodes, `scripts` those of
    loaders that find a file at the default name instead. OSErrors pass raw.
    """

    def __init__(  # noqa: PLR0913 -- the options of a target, by name
        self,
        root: Path,
        name: str,
        site: str,
        loaders: Sequence[str],
        *,
        artifacts: ArtifactSource,
        lookups: Mapping[str, Lookup],
        policy: Mapping[str, bytes],
        scripts: Mapping[str, bytes],
        prefix: str = "",
    ) -> None:
        super().__init__(Layout(root, loaders, prefix, lookups))
        self._identity = Identity(site, name)
        self._artifacts = artifacts
        self._policy = policy
        self._defaults = Defaults(self._layout, scripts)
        self._lacked: list[Path] | None = None  # folders, before `create`

    @property
    def reserve(self) -> Reserve:
        """Return the room that is kept here for a rollback."""
        return Reserve(self._layout.path(RESERVE), TARGET)

    @property
    def folders(self) -> tuple[tuple[Path, bool], ...]:
        """Name the folders that it makes names in, and whether all in each is kp's."""
        return ground.folders(self._layout)

    def create(self, others: Collection[str] = ()) -> None:
        """Make an empty target that no node can see. Idempotent; a hold stays.

        `others`: the site's other targets; one by no such name was left by a killed
        commit, and is gone on with. Raises NotFound when the root is missing, Refused
        when it is one of `others` or another site's target, CorruptState for damage.
        """
        ground.check(self._layout)
        found = read_identity(self._layout)
        if found is None:
            self._lacked = lacking(self._layout)
        self._check_root()
        mine = self._identity
        if found is None:
            write_identity(self._layout, replace(mine, kept=self._defaults.foreign()))
        elif found.site != mine.site or found.target in others:
            raise Refused(
                f"{self._layout.base} is target {found.target} of site {found.site}",
                hint=f"to take it over: kp commit --without {mine.target}, then "
                f"kp target adopt {mine.target}, kp publish {mine.target} --force",
            )
        elif found.target != mine.target:
            write_identity(self._layout, replace(found, target=mine.target))

    def take_back(self) -> None:
        """Undo `create` of this object, where it was no target before."""
        if self._lacked is not None:
            take_back(self._layout, self._lacked)

    def retire(self) -> list[Finding]:
        """Be a target no more; return what goes on serving nodes."""
        found, mine = self.identity(), self._identity
        if found is None or (found.site, found.target) != (mine.site, mine.target):
            return []
        forget(self._layout)
        return still_serving(self._layout)

    def adopt(self, found: Path) -> list[str]:
        """Make this target kp's own, whoever's it was; return what was set aside.

        Foreign default files are moved into `found`, and kp's take their place.
        """
        self._check_root(found)
        if any(each.path == IDENTITY for each in self.damage()):
            set_aside(self._layout, IDENTITY, found)
            clear_folder(self._layout, IDENTITY)
        write_identity(self._layout, self._identity)
        self._defaults.ensure()
        return adopt(self._layout, self._defaults, found)

    def is_marked(self) -> bool:
        """Tell nothing: a root's marker is trusted no further than its identity."""
        return False

    def set_hold(self, reason: str) -> None:
        """Hold the target back from publishing, or release it by ''."""
        found = self._present()
        ground.check(self._layout)
        write_identity(self._layout, replace(found, hold=reason))

    def generations(self) -> list[tuple[int, str]]:
        """Return revision and commit (12 digits) of what is kept, oldest first."""
        return generations(self._layout)

    def held(self) -> Held:
        """Return what is kept here; what a damaged generation needs is not in it."""
        needs: frozenset[str] = frozenset()
        with suppress(CorruptState):
            live = read_live(self._layout)
            needs = live.state.needs() if live else needs
        return Held(tuple(self.generations()), tuple(sorted(needs)))

    def plan(self, generation: Generation) -> FilePlan:
        """Name the files that a switch would write and remove, below kp's root.

        The target need not be there yet.
        """
        return self._prepare(generation, NO_LEEWAY).plan()

    def stage(self, generation: Generation, leeway: Leeway = NO_LEEWAY) -> Staged:
        """Make a generation durable beside the live one, unseen.

        A complete one is staged whatever is damaged, as far as the `leeway` goes.
        Raises Refused for what is in the way otherwise, for want of room, or for a
        difference to something else than what is live; NotFound, CorruptState,
        InvalidInput as `prepare` does. Nothing that is served is changed then.
        """
        if generation.complete and leeway.found is not None:
            self._clear_ground(leeway.found)
        return self._staged(generation, leeway)

    def verify(self, generation: Generation, *, deep: bool) -> list[Finding]:
        """Compare the target with a complete generation.

        `deep` looks at every entry point, every own file and every object's bytes.
        """
        return verify(self._layout, generation, self._policy, self._defaults, deep=deep)

    def as_drawn(
        self, generation: Generation, renderer: str, *, deep: bool
    ) -> Generation | None:
        """Return a complete generation with the live menus in place of its own.

        `deep`: and with the nodes' own files that lie there, which are read. None where
        they aren't whole, or another `renderer` drew them.
        """
        live = tftp_damage.trusted(self._layout)
        if live is None:
            return None
        marker = replace(generation.marker, renderer=renderer)
        meant = replace(generation, marker=marker)
        return as_drawn(self._layout, meant, live.state, own=deep)

    def repair(self, generation: Generation, found: Path) -> list[Finding]:
        """Make the target equal a complete generation; return what was wrong.

        What others changed or added is copied into `found` first, durably.
        """
        layout = self._layout
        findings = self.verify(generation, deep=True)
        self._clear_ground(found)
        self._sweep_entries()
        want = wanted(layout, generation, self._policy, deep=True)
        mend(layout, want, generation, self._artifacts, findings, found)
        adopt(layout, self._defaults, found, self._present().kept)
        self._defaults.ensure(drawn_before=generation.drawn_before)
        afresh = in_generation(findings) or bool(outgoing.lost(layout, want.state))
        self._staged(generation, Leeway(found, take=True, afresh=afresh)).switch()
        return findings

    def sweep(self, keep: Keep) -> list[str]:
        """Remove what nobody needs; return the paths that went.

        Kept are what is live, the generations of commits that are kept, and menus and
        kernels of the grace time. Refused when what stays leads to what would go.
        """
        return sweep(
            self._layout, keep.commits, keep.remembered, now=keep.now, grace=keep.grace
        )

    def _prepare(self, generation: Generation, leeway: Leeway) -> Planned:
        return prepare(self._layout, generation, self._policy, leeway)

    def _staged(self, generation: Generation, leeway: Leeway) -> StagedGeneration:
        self._present()
        ground.check(self._layout)
        prepared = self._prepare(generation, leeway)
        if prepared.new_folders:
            sweep_temporaries(self._layout.base)
        if prepared.new_folders or self.unfinished():
            self._sweep_entries()
        made = write_generation(self._layout, prepared, self._artifacts, leeway.found)
        return StagedGeneration(self._layout, prepared, made, self._defaults)

    def _clear_ground(self, found: Path) -> None:
        """Make real folders of those that all stands on, whatever is there."""
        identity = self._present()
        ground.clear(self._layout, found)
        if self.identity() is None:  # it was behind a link
            write_identity(self._layout, identity)

    def _sweep_entries(self) -> None:
        """Remove a killed switch's temps; only then: it lists every entry point."""
        for names in self._layout.entries:
            sweep_temporaries(self._layout.path(names.folder))

    def _present(self) -> Identity:
        found = self.identity()
        if found is None:
            raise NotFound(
                f"{self._layout.base} is no target of kp",
                hint="mount it; a wiped one is made anew by kp target adopt",
            )
        return found

    def _check_root(self, found: Path | None = None) -> None:
        root = self._layout.root
        if not root.exists():
            raise NotFound(f"{root} is missing", hint="make or mount the TFTP root")
        if found is not None:
            ground.clear(self._layout, found)
        ground.check(self._layout)
        make_directories(self._layout.base)
