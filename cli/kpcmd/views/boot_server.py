"""What the servers around a target need to be told; kp does not touch them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

_BOOT_FILES = {
    "pxelinux": "pxelinux.0 and ldlinux.c32 (BIOS)",
    "grub": "a GRUB image, e.g. grubnetx64.efi (UEFI)",
    "ipxe": "ipxe.efi or undionly.kpxe, then ipxe/boot.ipxe",
}


def advice(kind: str, root: Path, loaders: Sequence[str], prefix: str) -> Iterator[str]:
    """Say what DHCP and TFTP must be set to for a TFTP target."""
    if kind != "tftp":
        return
    where = f" in {prefix}/" if prefix else ""
    yield f"TFTP: serve {root} (in.tftpd -s {root}, or dnsmasq --tftp-root={root})"
    for loader in loaders:
        if loader in _BOOT_FILES:
            yield f"DHCP: boot file{where}: {_BOOT_FILES[loader]}"
    yield "then: kp doctor fetches a menu and a kernel as a node would"
