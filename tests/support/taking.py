"""Kernels taken into a store as the command does it, without a site."""

from pathlib import Path

from kpstore.artifacts.store import ArtifactStore, Progress
from kpstore.kernels.contract import Given
from kpstore.kernels.gather import Gathered, Needs, gather
from kpstore.kernels.origins.files import KernelFiles, opened
from kpstore.kernels.origins.hypervisor import Hypervisor
from kpstore.kernels.origins.installed import InstalledKernel
from kpstore.model.documents import Arch


def gather_files(
    store: ArtifactStore,
    files: KernelFiles,
    needs: Needs,
    *,
    force_mismatch: bool = False,
    progress: Progress | None = None,
) -> Gathered:
    """Take in a kernel from loose files."""
    with opened(files) as parts:
        return gather(
            store, parts, needs, force_mismatch=force_mismatch, progress=progress
        )


def gather_installed(
    store: ArtifactStore, tree: Path, release: str, needs: Needs
) -> Gathered:
    """Take in a kernel that is installed in a tree."""
    with InstalledKernel().open(Given(release, tree=tree)) as parts:
        return gather(store, parts, needs)


def gather_hypervisor(store: ArtifactStore, arch: Arch, path: Path) -> Gathered:
    """Take in a Xen hypervisor from a file."""
    with Hypervisor().open(Given(str(path))) as parts:
        return gather(store, parts, Needs(arch))
