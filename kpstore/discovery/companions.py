"""What distributions call the files that lie beside a kernel; {0} is its release."""

from typing import Final

# Debian; Fedora and others; SUSE; Arch.
INITRDS: Final = (
    "initrd.img-{0}",
    "initramfs-{0}.img",
    "initrd-{0}",
    "initrd-{0}.img",
    "initramfs-{0}",
)
CONFIGS: Final = ("config-{0}",)
MAPS: Final = ("System.map-{0}",)
