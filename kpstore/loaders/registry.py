"""The loaders that kp writes for: name -> module."""

from collections.abc import Mapping
from typing import Final, Protocol, TypeVar

from kpstore.errors import Refused
from kpstore.loaders.bls import disk as bls
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.grub import network as grub
from kpstore.loaders.ipxe import network as ipxe
from kpstore.loaders.menu import Linux, Menu, TreeOptions
from kpstore.loaders.syslinux import pxelinux

_D = TypeVar("_D")


class NetworkDialect(Protocol):
    """How a loader that comes over the network is told what to boot."""

    def write_menu(self, menu: Menu) -> bytes:
        """Write what a template's nodes boot."""

    def write_node(
        self, menu: Menu, values: Mapping[str, str], menu_path: str
    ) -> bytes:
        """Write the own file of a node with variables.

        It sets them and goes on to `menu_path`, or is the whole menu where the loader
        has no variables.
        """

    def read_menu(self, data: bytes) -> Menu:
        """Read back what `write_menu` wrote."""

    def added(self, boot: Linux) -> str:
        """Return what is put around the parameters on the kernel's command line."""


class TreeDialect(Protocol):
    """How the loader on a machine's own disk is told what to boot."""

    def files(
        self, menus: Mapping[str, Menu], default: str, options: TreeOptions
    ) -> tuple[dict[str, bytes], str]:
        """Return its files by path in the tree, and which of them is the switch."""


NETWORK: Final[dict[str, NetworkDialect]] = {
    "grub": grub,
    "ipxe": ipxe,
    "pxelinux": pxelinux,
}
TREE: Final[dict[str, TreeDialect]] = {"bls": bls, "grub": grubcfg}


def network(loader: str) -> NetworkDialect:
    """Return the dialect of a TFTP target's loader."""
    return _known(NETWORK, loader, "a TFTP target")


def tree(loader: str) -> TreeDialect:
    """Return the dialect of an image tree's loader."""
    return _known(TREE, loader, "an image tree")


def _known(dialects: Mapping[str, _D], loader: str, where: str) -> _D:
    if loader not in dialects:
        raise Refused(
            f"loader {loader!r} is not yet written for on {where}",
            hint=f"there are {', '.join(dialects)}",
        )
    return dialects[loader]
