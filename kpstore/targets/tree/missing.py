"""What an image tree lacks of a rendering, and what gives way to it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, NotFound
from kpstore.targets.tree import modules as tree_modules
from kpstore.targets.tree import objects as tree_objects
from kpstore.targets.tree import repair
from kpstore.targets.tree.layout import Claims, LiveTree, TreeRendering, place
from kpstore.targets.tree.modules import Modules
from kpstore.targets.values import (
    NO_LEEWAY,
    ArtifactSource,
    Finding,
    Leeway,
    ObjectFile,
)

_OWN_FILES = 4  # marker, record and their directories


class Missing(NamedTuple):
    """The objects and module trees that a tree lacks of a rendering."""

    objects: list[ObjectFile]
    modules: list[Modules]

    def needs(self, rendering: TreeRendering) -> tuple[int, int]:
        """Return the bytes and inodes that staging and the switch take."""
        size, inodes = tree_modules.needs(self.modules)
        size += sum(each.size for each in self.objects)
        size += sum(len(data) for data in rendering.files.values())
        inodes += 2 * len(self.objects) + len(rendering.files) + _OWN_FILES
        return size, inodes


@dataclass(frozen=True)
class HowStaged:
    """How a rendering is staged.

    With leeway to `take`, module trees of kp's own that others changed give way, and
    the distribution's stay whatever they hold. `afresh`: objects and module trees by
    path that the marker's word isn't taken for. `originals`: as `TreeTarget` has them.
    """

    replace_foreign: bool = False
    leeway: Leeway = NO_LEEWAY
    afresh: Collection[str] = ()
    originals: Mapping[str, str] = field(default_factory=dict)


def missing(
    tree: Beneath,
    rendering: TreeRendering,
    live: LiveTree | None,
    claims: Claims,
    artifacts: ArtifactSource,
    how: HowStaged,
) -> Missing:
    """Return what staging would add. Refused where something is in the way of it."""
    served = live or LiveTree(rendering.marker)
    return Missing(
        tree_objects.missing(
            tree, rendering.objects, {*served.objects} - {*how.afresh}
        ),
        tree_modules.missing(
            tree,
            rendering.modules,
            claims,
            served.modules,
            afresh=how.afresh,
            insist=artifacts if how.leeway.take else None,
        ),
    )


def keep_modules(
    tree: Beneath,
    lacks: Missing,
    live: LiveTree | None,
    claims: Claims,
    artifacts: ArtifactSource,
    how: HowStaged,
) -> None:
    """Copy aside what others did in kp's module trees that give way, once.

    Those that are placed `afresh` were looked through, and kept, before.
    """
    found = how.leeway.found
    if found is None or not how.leeway.take:
        return
    for wanted in lacks.modules:
        release = wanted[0]
        if place(release) in how.afresh or not tree_modules.exists(tree, release):
            continue
        own = claims.modules.get(release, ())
        if tree_modules.content(tree, release, own) not in own:
            was = _as_served(wanted, live, artifacts)
            changed = tree_modules.differences(tree, was, artifacts, is_own=True)
            all_of_it = [Finding(place(release), "changed")]
            repair.set_aside(tree, changed or all_of_it, found)


def _as_served(
    wanted: Modules, live: LiveTree | None, artifacts: ArtifactSource
) -> Modules:
    """Return what was placed there, if that is known and still in the store."""
    release, _, size = wanted
    was = live.modules.get(release, "") if live else ""
    try:
        artifacts.path(was)
    except (InvalidInput, NotFound):
        return wanted
    return release, was, size
