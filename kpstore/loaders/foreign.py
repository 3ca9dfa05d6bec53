"""The readers of menus that kp did not write: a new one is a line here."""

from typing import Final

from kpstore.loaders.bls import foreign as bls
from kpstore.loaders.contract import ForeignReader
from kpstore.loaders.grub import foreign as grub
from kpstore.loaders.syslinux import foreign as syslinux

FOREIGN: Final[tuple[ForeignReader, ...]] = (grub, bls, syslinux)
