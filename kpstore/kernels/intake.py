"""Taking in from outside: kernels from files and from image trees, and their facts.

Long work, done before any lock: artifacts are stored by content, and what no commit
names goes with `kp gc`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kpstore.artifacts.store import Progress
from kpstore.discovery.arch import tree_arch
from kpstore.discovery.image_tree import DefaultKernel, default_kernel
from kpstore.discovery.installed import gather_installed
from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.formats.modules import read_firmware
from kpstore.kernels.gather import Gathered, Needs
from kpstore.kernels.origins.files import KernelFiles, gather_files, gather_hypervisor
from kpstore.model.documents import Image
from kpstore.site.opened import OpenSite


class Intake:
    """What `kp image add` and `kp kernel add` take in for one site."""

    def __init__(self, site: OpenSite) -> None:
        self.site = site

    def arch_of(self, tree: Path) -> str | None:
        """Return the architecture of an image tree, or None; NotFound without one."""
        with _opened(tree) as root:
            return tree_arch(root)

    def default_of(self, tree: Path) -> DefaultKernel:
        """Return what a tree's own loader boots, or the candidates."""
        with _opened(tree) as root:
            return default_kernel(root)

    def files(
        self,
        image: Image,
        files: KernelFiles,
        tree: Path | None = None,
        *,
        force_mismatch: bool = False,
        progress: Progress | None = None,
    ) -> Gathered:
        """Take in a kernel from loose files; see `sources.gathering.gather`.

        `tree` is the image's, if there is one: its firmware counts.
        """
        return gather_files(
            self.site.artifacts,
            files,
            _needs(image, tree),
            force_mismatch=force_mismatch,
            progress=progress,
        )

    def hypervisor(self, image: Image, path: Path) -> Gathered:
        """Take in a Xen hypervisor from a file."""
        return gather_hypervisor(self.site.artifacts, image.arch, path)

    def installed(
        self,
        image: Image,
        tree: Path,
        release: str,
        *,
        force_mismatch: bool = False,
        progress: Progress | None = None,
    ) -> Gathered:
        """Take in a kernel that is installed in an image's tree."""
        with _opened(tree) as root:
            return gather_installed(
                self.site.artifacts,
                root,
                release,
                _needs(image, tree),
                force_mismatch=force_mismatch,
                progress=progress,
            )


@contextmanager
def _opened(tree: Path) -> Iterator[Beneath]:
    try:
        opened = Beneath.open(tree)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"there is no image tree in {tree}",
            hint="look at its path; kp.toml says where an image's tree is",
        ) from None
    with opened as root:
        yield root


def _needs(image: Image, tree: Path | None) -> Needs:
    firmware: frozenset[str] = frozenset()
    if image.required_firmware and tree is not None:
        with _opened(tree) as root:
            firmware = frozenset(read_firmware(root))
    return Needs(image.arch, image.required_modules, image.required_firmware, firmware)
