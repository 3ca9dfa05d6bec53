"""The document format's words for kinds of target, and for the loaders that each has.

The format is older than the code for some of them: a document may say a word that no
code writes for yet. Nothing of kp is imported here, so whoever only looks may read it.
"""

from collections.abc import Mapping
from typing import Final, Literal

Loader = Literal["pxelinux", "grub", "ipxe", "elilo", "bls", "extlinux", "systemconfig"]

LOADERS: Final[Mapping[str, frozenset[Loader]]] = {
    "tftp": frozenset({"pxelinux", "grub", "ipxe", "elilo"}),
    "image": frozenset({"grub", "bls", "extlinux", "systemconfig", "elilo"}),
}
"""The kinds of target, and what loaders a document may say of each."""

WRITTEN: Final[Mapping[str, tuple[Loader, ...]]] = {
    "tftp": ("pxelinux", "grub", "ipxe"),
    "image": ("grub", "bls", "extlinux"),
}
"""The loaders that there is code for, in the order in which people are told of them."""

OF_AN_IMAGE: Final[frozenset[str]] = frozenset({"image"})
"""The kinds whose targets belong to one image each."""

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "tftp": ("prefix", "grub_dir", "server"),
    "image": ("replace",),
}
"""What of a document's options people set for each kind."""
