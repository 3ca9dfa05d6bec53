"""From what a template or node boots to the menu that loaders' writers are given.

A `Boot` (`kpstore.model.boot`) names files by content; where a target keeps them, and
how a loader there asks for them, is the target's to say.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu, Xen
from kpstore.model.boot import Boot


class File(NamedTuple):
    """An artifact that a menu names: its SHA-256, size in bytes, and what it is called.

    Called by what it is, not by its place in a list: the same initrd may be another
    kernel's second one, and an object's folder never changes.
    """

    sha256: str
    size: int
    name: str


def files_of(boot: Boot) -> Iterator[File]:
    """Yield the kernel, the initrds in order, then the hypervisor."""
    artifacts = boot.kernel.artifacts
    yield File(artifacts.vmlinuz.sha256, artifacts.vmlinuz.size, "vmlinuz")
    for initrd in artifacts.initrd:
        yield File(initrd.sha256, initrd.size, "initrd.img")
    if boot.xen:
        xen = boot.xen.artifacts.vmlinuz
        yield File(xen.sha256, xen.size, "xen.gz")


def linux_of(boot: Boot, seen: Mapping[File, str]) -> Linux:
    """Return a boot with the paths by which a loader asks for its files."""
    kernel, *others = (seen[file] for file in files_of(boot))
    return Linux(
        kernel=kernel,
        initrds=tuple(others[: len(boot.kernel.artifacts.initrd)]),
        params=boot.params,
        xen=Xen(others[-1], boot.xen_params) if boot.xen else None,
    )


def menu_of(boot: Boot | None, seen: Mapping[File, str]) -> Menu:
    """Return what a loader from the network says: local entries boot from the disk."""
    if boot is None:
        return LOCAL_DISK
    title = f"{boot.image}/{boot.entry}"
    if boot.method == "local":
        return Menu(title, LOCAL_DISK.boot)
    return Menu(title, linux_of(boot, seen))
