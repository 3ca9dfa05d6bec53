"""What a machine with a MAC boots, by each loader: `Linux`, or None for its own disk.

Small machines, written from the loaders' own grammar, not from kp's writers.
"""

from histories.read_disk import bls_disk, extlinux_disk, grub_disk
from histories.read_grub import grub
from histories.read_ipxe import ipxe
from histories.read_pxelinux import pxelinux

NETWORK = {"grub": grub, "ipxe": ipxe, "pxelinux": pxelinux}
TREE = {"bls": bls_disk, "extlinux": extlinux_disk, "grub": grub_disk}
