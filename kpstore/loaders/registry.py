"""The loaders that kp writes for, by name: a new one is a line here.

What reads the menus of others is in `foreign`: who writes needs none of it.
"""

from collections.abc import Mapping
from typing import Final, TypeVar

from kpstore.errors import Refused
from kpstore.loaders.bls import disk as bls
from kpstore.loaders.contract import DiskLoader, NetworkLoader
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.grub import network as grub
from kpstore.loaders.ipxe import network as ipxe
from kpstore.loaders.syslinux import extlinux, pxelinux

_L = TypeVar("_L")

NETWORK: Final[dict[str, NetworkLoader]] = {
    "grub": grub,
    "ipxe": ipxe,
    "pxelinux": pxelinux,
}
DISK: Final[dict[str, DiskLoader]] = {"bls": bls, "extlinux": extlinux, "grub": grubcfg}


def network(loader: str) -> NetworkLoader:
    """Return a loader of TFTP targets."""
    return _known(NETWORK, loader, "a TFTP target")


def disk(loader: str) -> DiskLoader:
    """Return a loader of image trees."""
    return _known(DISK, loader, "an image tree")


def _known(loaders: Mapping[str, _L], loader: str, where: str) -> _L:
    if loader not in loaders:
        raise Refused(
            f"loader {loader!r} is not yet written for on {where}",
            hint=f"there are {', '.join(loaders)}",
        )
    return loaders[loader]
