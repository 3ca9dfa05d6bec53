"""Where loaders that come over the network look for their menu.

Free of writers: `kp status` looks at TFTP roots and draws nothing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Lookup(NamedTuple):
    """Where a loader looks: for the first of these names that is there.

    `folder` is below kp's root. A card's own name is its MAC with dashes, between
    `head` and `tail`; then comes `default`.
    """

    folder: str
    head: str
    tail: str
    default: str


LOOKUPS: Final[Mapping[str, Lookup]] = {
    # By ARP type, 01, and MAC: the syslinux wiki, PXELINUX.
    "pxelinux": Lookup("pxelinux.cfg", "01-", "", "default"),
    # The same: GRUB's manual, "Network".
    "grub": Lookup("grub", "grub.cfg-01-", "", "grub.cfg"),
    # It looks for nothing by itself: kp's script asks for these.
    "ipxe": Lookup("ipxe", "01-", ".ipxe", "boot.ipxe"),
}
_BUILT_IN: Final = frozenset({"grub"})
"""Loaders whose folder is built into their image, so that a target may name it."""


def lookups(built_in: str) -> dict[str, Lookup]:
    """Return where each loader looks on a target; `built_in` is what it names."""
    return {
        name: each._replace(folder=built_in) if name in _BUILT_IN else each
        for name, each in LOOKUPS.items()
    }
