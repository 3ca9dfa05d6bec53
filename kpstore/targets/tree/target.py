"""An image tree as a target: its own loader lists the image's local entries.

The tree belongs to whoever is root in the image, so every look and every change
goes beneath its root (`kpstore.disk.beneath`). Only `create` makes a target of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound, Refused
from kpstore.targets.keep import Keep
from kpstore.targets.tree import idle
from kpstore.targets.tree import remove as tree_remove
from kpstore.targets.tree import repair as tree_repair
from kpstore.targets.tree import verify as tree_verify
from kpstore.targets.tree.layout import (
    HOME,
    IDENTITY,
    MODULES,
    Claims,
    TreeRendering,
)
from kpstore.targets.tree.leaving import left
from kpstore.targets.tree.missing import HowStaged, missing
from kpstore.targets.tree.observe import ServedTree
from kpstore.targets.tree.records import read_live, write_identity
from kpstore.targets.tree.stage import TreeStaged, stage
from kpstore.targets.tree.survey import known_claims, survey
from kpstore.targets.values import (
    NO_LEEWAY,
    ArtifactSource,
    FilePlan,
    Finding,
    Held,
    Identity,
    Leeway,
)


class TreeTarget(ServedTree):
    """An image tree that kp publishes to; OSErrors pass raw.

    `replace`: foreign loader files give way; their bytes are `originals`, to be kept
    by the caller before the switch and given to `remove`. `remembered`: path ->
    SHA-256 of those that gave way earlier, for a tree that lost its record of them.
    """

    reserve = None  # nothing may lie in a tree that nodes don't need
    folders = ()

    def __init__(
        self,
        root: Path,
        name: str,
        site: str,
        image: str,
        *,
        artifacts: ArtifactSource,
        replace: bool = False,
        remembered: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(root)
        self._image = image
        self._remembered = remembered or {}
        self._identity = Identity(site, name)
        self._artifacts = artifacts
        self._replace = replace
        self._lacked: list[str] | None = None  # folders, before `create`

    # --- whose it is

    def create(self, others: Collection[str] = ()) -> None:
        """Make a target of the tree. Idempotent; a hold stays.

        `others`: the site's other targets; one by no such name was left by a killed
        commit, and is gone on with. Raises NotFound when the tree is missing, Refused
        when it is one of `others` or another site's.
        """
        found, mine = self.identity(), self._identity
        if found is None:
            self._lacked = self._lacking()
            self.adopt()
        elif found.site != mine.site or found.target in others:
            raise Refused(
                f"{self._root} is target {found.target} of site {found.site}",
                hint=f"to take it over: kp commit --without {mine.target}, then "
                f"kp target adopt {mine.target}, kp publish {mine.target} --force",
            )
        elif found.target != mine.target:
            with Beneath.open(self._root) as tree:
                write_identity(tree, replace(mine, hold=found.hold))

    def take_back(self) -> None:
        """Undo `create` of this object, where it was no target before."""
        if self._lacked is None:
            return
        with Beneath.open(self._root) as tree:
            if tree.is_dir(HOME):
                tree.remove(IDENTITY)
            for folder in self._lacked:
                tree_remove.remove_if_empty(tree, folder)

    def adopt(self, found: Path | None = None) -> list[str]:
        """Make the tree this target, whoever's it was; NotFound when it is missing.

        Returns what was in the way and is now below `found`; without it Refused.
        """
        if not self._root.is_dir():
            raise NotFound(f"no image tree {self._root}", hint="mount it, or make it")
        with Beneath.open(self._root) as tree:
            lies = tree_repair.make_way(tree, tree_repair.obstacles(tree), found)
            write_identity(tree, self._identity)
        return lies

    def is_marked(self) -> bool:
        """Tell a tree whose marker says that it is this target, whatever TARGET says.

        One flipped bit there must not keep the way back from nodes.
        """
        with self._opened() as tree:
            live = read_live(tree) if tree else None
        document = f"targets/{self._identity.target}.json"
        if live is None or live.marker.site != self._identity.site:
            return False
        return document in live.marker.inputs

    def retire(self) -> list[Finding]:
        """Give back what gave way, and take out what is kp's; return what stays.

        A tree that is another's is left alone; one that can't be reached, or whose
        originals are gone, keeps kp's.
        """
        found, mine = self.identity(), self._identity
        if found and (found.site, found.target) != (mine.site, mine.target):
            return []
        kept, store = self.originals_kept(), self._artifacts
        try:
            originals = {p: store.path(sha).read_bytes() for p, sha in kept.items()}
        except NotFound:
            return self.left()
        return self.remove(originals) if found else self.left()

    def set_hold(self, reason: str) -> None:
        """Hold the target back from publishing, or release it by ''."""
        found = self.identity()
        if found is None:
            raise NotFound(f"{self._root} is no target of kp", hint="mount it")
        with Beneath.open(self._root) as tree:
            write_identity(tree, Identity(found.site, found.target, reason))

    # --- what it serves; see `ServedTree`

    def originals_kept(self) -> Mapping[str, str]:
        """Return path -> SHA-256 of the foreign files that kp replaced.

        Of a tree that can't be asked, or lost its record, those that are remembered.
        """
        with self._opened() as tree:
            return self._claims(tree).originals if tree else self._remembered

    def generations(self) -> list[tuple[int, str]]:
        """Return nothing: a tree holds one commit's files."""
        return []

    def held(self) -> Held:
        """Return what is kept here, and the originals of what kp replaced."""
        with Beneath.open(self._root) as tree:
            live, claims = read_live(tree), self._claims(tree)
        if live is None:
            return Held(originals=claims.originals)
        marker = live.marker
        return Held(
            ((marker.revision, marker.commit[:12]),),
            tuple(sorted({*live.objects.values(), *live.modules.values()} - {""})),
            claims.originals,
        )

    # --- publishing

    def plan(self, rendering: TreeRendering) -> FilePlan:
        """Name the files that stage and switch would write and remove."""
        with Beneath.open(self._root) as tree:
            live, claims = read_live(tree), self._claims(tree)
            unlisted = idle.unlisted(rendering, claims, self._artifacts)
            if unlisted.stay or not (rendering.files or claims.files):
                return FilePlan(said=unlisted.said)
            found = survey(tree, rendering, claims, unlisted.back)
            how = self._manner(NO_LEEWAY)
            lacks = missing(tree, rendering, live, claims, self._artifacts, how)
        objects = [each.path for each in lacks.objects]
        modules = [f"{MODULES}/{release}" for release, _, _ in lacks.modules]
        write = [*objects, *modules, *found.write, *found.back]
        return FilePlan(write, found.remove, unlisted.said)

    def stage(self, rendering: TreeRendering, leeway: Leeway = NO_LEEWAY) -> TreeStaged:
        """Make a rendering ready; what boots stays as it is.

        Raises Refused for a foreign loader file or module tree in the way and for
        want of room, NotFound and CorruptState for artifacts: nothing is left then.
        """
        return self._stage(rendering, leeway)

    # --- checking and mending

    def as_drawn(
        self, rendering: TreeRendering, renderer: str, *, deep: bool
    ) -> TreeRendering | None:
        """Return it with the live loader files; None where they aren't whole.

        They are read, `deep` or not.
        """
        del deep
        marker = replace(rendering.marker, renderer=renderer)
        with Beneath.open(self._root) as tree:
            live = read_live(tree)
            meant = replace(rendering, marker=marker)
            return tree_verify.as_drawn(tree, meant, live) if live else None

    def verify(self, rendering: TreeRendering, *, deep: bool) -> list[Finding]:
        """Compare; `deep` reads every byte of objects and module trees too."""
        with Beneath.open(self._root) as tree:
            claims, artifacts = self._claims(tree), self._artifacts
            rendering = idle.with_what_stays(tree, rendering, claims, artifacts)
            found = tree_verify.verify(tree, rendering, claims)
            if deep:
                read = tree_verify.read(tree, rendering, artifacts, claims, self._image)
                found += read
        return found

    def repair(self, rendering: TreeRendering, found: Path) -> list[Finding]:
        """Make the tree equal the rendering; return what was wrong.

        What others changed or added is copied below `found` first, durably. A module
        tree that isn't kp's is only reported.
        """
        findings = self.verify(rendering, deep=True)
        with Beneath.open(self._root) as tree:
            opened = tree_repair.made_readable(tree, findings)
        if opened:  # and now what they hold is seen, too
            findings += self.verify(rendering, deep=True)
        drift = [each for each in findings if each.is_drift]
        with Beneath.open(self._root) as tree:
            known = self._claims(tree), self._artifacts
            rendering = idle.with_what_stays(tree, rendering, *known, insist=drift)
            tree_repair.set_aside(tree, drift, found)
            tree_repair.clear(tree, rendering, drift)
            tree_repair.hold(tree, drift)
        leeway = Leeway(found, take=True)
        self._stage(rendering, leeway, afresh=tree_repair.places(drift)).switch()
        return findings

    def sweep(self, keep: Keep) -> list[str]:
        """Remove what is neither kept nor served; return the paths that went."""
        objects = {sha256[:12] for sha256 in keep.artifacts}
        with Beneath.open(self._root) as tree:
            return tree_remove.sweep(tree, objects, keep.releases)

    def remove(self, originals: Mapping[str, bytes]) -> list[Finding]:
        """Take out all that kp put in, and put the foreign files back; idempotent.

        Returns what stays because others changed it. Raises NotFound, with nothing
        changed, when one of `originals_kept` is not given.
        """
        with Beneath.open(self._root) as tree:
            return tree_remove.remove(tree, originals, self._remembered)

    def left(self) -> list[Finding]:
        """Say what stays in a tree that can't be left clean, and how to go on."""
        return left(
            self._root,
            self.originals_kept(),
            self._artifacts,
            is_target=self.identity() is not None,
        )

    def _claims(self, tree: Beneath) -> Claims:
        return known_claims(tree, read_live(tree), self._remembered)

    def _manner(self, leeway: Leeway, afresh: Collection[str] = ()) -> HowStaged:
        return HowStaged(self._replace, leeway, afresh, self._remembered)

    def _stage(
        self,
        rendering: TreeRendering,
        leeway: Leeway,
        afresh: Collection[str] = (),
    ) -> TreeStaged:
        how = self._manner(leeway, afresh)
        return stage(self._root, self._identity, rendering, self._artifacts, how)

    def _lacking(self) -> list[str]:
        """Return the folders that creating and staging would add, deepest first."""
        if not self._root.is_dir():
            return []
        above = HOME.rpartition("/")[0], MODULES.rpartition("/")[0]
        with Beneath.open(self._root) as tree:
            return [f for f in (HOME, MODULES, *above) if not tree.exists(f)]
