"""Taking in from outside: kernels, and what image trees say of themselves.

Long work, done before any lock: artifacts are stored by content, and what no commit
names goes with `kp gc`.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from kpstore.artifacts.store import ArtifactStore, Progress
from kpstore.discovery.arch import tree_arch
from kpstore.discovery.image_tree import DefaultKernel, default_kernel, opened_tree
from kpstore.formats.modules import read_firmware
from kpstore.kernels.contract import Parts
from kpstore.kernels.gather import Gathered, Needs, gather
from kpstore.kernels.opened import Amount
from kpstore.model.documents import Image


class Intake:
    """What `kp image add` and `kp kernel add` take into a site's store."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def arch_of(self, tree: Path) -> str | None:
        """Return the architecture of an image tree, or None; NotFound without one."""
        with opened_tree(tree) as root:
            return tree_arch(root)

    def default_of(self, tree: Path) -> DefaultKernel:
        """Return what a tree's own loader boots, or the candidates."""
        with opened_tree(tree) as root:
            return default_kernel(root)

    def take(
        self,
        image: Image,
        opened: AbstractContextManager[Parts],
        tree: Path | None = None,
        *,
        modules: bool = True,
        force_mismatch: bool = False,
        progress: Progress | None = None,
        before: Callable[[Sequence[Amount]], None] | None = None,
    ) -> Gathered:
        """Take in what an origin opens, for an image; raises as `gather` does.

        `tree` is the image's, if there is one: its firmware counts. Without `modules`
        those that the origin has are left out. `before` is told how much it is.
        """
        with opened as parts:
            return gather(
                self._store,
                parts if modules else replace(parts, modules=None),
                _needs(image, tree),
                force_mismatch=force_mismatch,
                progress=progress,
                before=before,
            )


def _needs(image: Image, tree: Path | None) -> Needs:
    firmware: frozenset[str] = frozenset()
    if image.required_firmware and tree is not None:
        with opened_tree(tree) as root:
            firmware = frozenset(read_firmware(root))
    return Needs(image.arch, image.required_modules, image.required_firmware, firmware)
