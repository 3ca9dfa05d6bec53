"""An image tree as a target: its own loader lists the image's local entries.

The tree belongs to whoever is root in the image, so every look and every change
goes beneath its root (`kpstore.disk.beneath`). Only `create` makes a target of it.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound, Refused
from kpstore.publish import (
    tree_quick,
    tree_remove,
    tree_repair,
    tree_verify,
)
from kpstore.publish.target import (
    Artifacts,
    FilePlan,
    Finding,
    Held,
    Identity,
    Marker,
)
from kpstore.publish.tree_layout import (
    HOME,
    IDENTITY,
    MODULES,
    TreeRendering,
    read_claims,
    read_identity,
    read_live,
    write_identity,
)
from kpstore.publish.tree_stage import TreeStaged, missing, stage
from kpstore.publish.tree_survey import survey

__all__ = ["TreeRendering", "TreeStaged", "TreeTarget"]


class TreeTarget:
    """An image tree that kp publishes to; OSErrors pass raw.

    `replace`: foreign loader files give way; their bytes are `originals`, to be kept
    by the caller before the switch and given to `remove`.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        site: str,
        image: str,
        *,
        artifacts: Artifacts,
        replace: bool = False,
    ) -> None:
        self.image = image
        self._root = root
        self._identity = Identity(site, name)
        self._artifacts = artifacts
        self._replace = replace
        self._lacked: list[str] | None = None  # folders, before `create`

    # --- whose it is

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent."""
        try:
            with Beneath.open(self._root) as tree:
                return read_identity(tree)
        except (FileNotFoundError, NotADirectoryError):
            return None

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

    def adopt(self) -> None:
        """Make the tree this target, whoever's it was; NotFound when it is missing."""
        if not self._root.is_dir():
            raise NotFound(f"no image tree {self._root}", hint="mount it, or make it")
        with Beneath.open(self._root) as tree:
            write_identity(tree, self._identity)

    def set_hold(self, reason: str) -> None:
        """Hold the target back from publishing, or release it by ''."""
        found = self.identity()
        if found is None:
            raise NotFound(f"{self._root} is no target of kp", hint="mount it")
        with Beneath.open(self._root) as tree:
            write_identity(tree, Identity(found.site, found.target, reason))

    # --- what it serves

    def marker(self) -> Marker | None:
        """Return what is served; None in transition and before the first publish."""
        with Beneath.open(self._root) as tree:
            live = read_live(tree)
        return None if live is None else live.marker

    def unfinished(self) -> bool:
        """Tell whether the tree is in transition: a switch began and did not end."""
        with Beneath.open(self._root) as tree:
            return read_live(tree) is None and bool(read_claims(tree).files)

    def originals_kept(self) -> Mapping[str, str]:
        """Return path -> SHA-256 of the foreign files that kp replaced."""
        with Beneath.open(self._root) as tree:
            return read_claims(tree).originals

    def held(self) -> Held:
        """Return what is kept here, and the originals of what kp replaced."""
        with Beneath.open(self._root) as tree:
            live, claims = read_live(tree), read_claims(tree)
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
        if not rendering.files:
            return FilePlan()
        with Beneath.open(self._root) as tree:
            found, lacks = (
                survey(tree, rendering, read_live(tree)),
                missing(tree, rendering),
            )
        objects = [each.path for each in lacks.objects]
        modules = [f"{MODULES}/{release}" for release, _, _ in lacks.modules]
        return FilePlan([*objects, *modules, *found.write], found.remove)

    def originals(self, rendering: TreeRendering) -> Mapping[str, bytes]:
        """Return the foreign loader files that the switch would replace."""
        if not rendering.files:
            return {}
        with Beneath.open(self._root) as tree:
            return survey(tree, rendering, read_live(tree)).foreign

    def stage(self, rendering: TreeRendering) -> TreeStaged:
        """Make a rendering ready; what boots stays as it is.

        Raises Refused for a foreign loader file or module tree in the way and for
        want of room, NotFound and CorruptState for artifacts: nothing is left then.
        """
        return self._stage(rendering)

    # --- checking and mending

    def verify(self, rendering: TreeRendering, *, deep: bool) -> list[Finding]:
        """Compare; `deep` reads every byte of objects and module trees too."""
        with Beneath.open(self._root) as tree:
            return tree_verify.verify(tree, rendering, self._artifacts, deep=deep)

    def quick(self) -> list[Finding]:
        """Compare with what the marker says is served, in a few small reads."""
        with Beneath.open(self._root) as tree:
            return tree_quick.quick(tree)

    def repair(self, rendering: TreeRendering, found: Path) -> list[Finding]:
        """Make the tree equal the rendering; return what was wrong.

        What others changed or added is copied below `found` first, durably. A module
        tree that isn't kp's is only reported.
        """
        findings = self.verify(rendering, deep=True)
        with Beneath.open(self._root) as tree:
            tree_repair.set_aside(tree, findings, found)
            tree_repair.clear(tree, rendering, findings)
        self._stage(rendering, afresh=_places(findings)).switch()
        return findings

    def sweep(
        self, keep_objects: Collection[str], keep_releases: Collection[str]
    ) -> list[str]:
        """Remove what is neither kept nor served; return the paths that went.

        `keep_objects`: the first 12 digits of SHA-256s.
        """
        with Beneath.open(self._root) as tree:
            return tree_remove.sweep(tree, keep_objects, keep_releases)

    def remove(self, originals: Mapping[str, bytes]) -> list[Finding]:
        """Take out all that kp put in, and put the foreign files back; idempotent.

        Returns what stays because others changed it. Raises NotFound, with nothing
        changed, when one of `originals_kept` is not given.
        """
        with Beneath.open(self._root) as tree:
            return tree_remove.remove(tree, originals)

    def _stage(
        self, rendering: TreeRendering, afresh: Collection[str] = ()
    ) -> TreeStaged:
        return stage(
            self._root,
            self._identity,
            rendering,
            self._artifacts,
            replace_foreign=self._replace,
            afresh=afresh,
        )

    def _lacking(self) -> list[str]:
        """Return the folders that creating and staging would add, deepest first."""
        if not self._root.is_dir():
            return []
        above = HOME.rpartition("/")[0], MODULES.rpartition("/")[0]
        with Beneath.open(self._root) as tree:
            return [f for f in (HOME, MODULES, *above) if not tree.exists(f)]


def _places(findings: Collection[Finding]) -> set[str]:
    """Return the objects' paths and the module trees' places that were wrong."""
    return {
        "/".join(each.path.split("/")[:3])
        if each.path.startswith(f"{MODULES}/")
        else each.path
        for each in findings
    }
