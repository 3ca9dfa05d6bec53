"""The parts of the rig that come from Debian packages (see `install-packages`).

A part that is missing fails the test that wants it: a system test that skips
itself proves nothing.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parents[3]
CACHE = _CHECKOUT / "build" / "rig"


class MissingPartError(AssertionError):
    """A package that the rig needs is not installed."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the rig's part {what} is missing: run tests/support/rig/install-packages"
        )


@dataclass(frozen=True)
class Part:
    """One file of a package, looked for when it is used and not before."""

    file: str

    @property
    def path(self) -> Path:
        path = Path(self.file)
        if not path.exists():
            raise MissingPartError(self.file)
        return path

    def read(self) -> bytes:
        return self.path.read_bytes()


BUSYBOX = Part("/bin/busybox")
IN_TFTPD = Part("/usr/sbin/in.tftpd")
PXELINUX = Part("/usr/lib/PXELINUX/pxelinux.0")
SYSLINUX_MODULES = Part("/usr/lib/syslinux/modules/bios")
IPXE_KERNEL = Part("/usr/lib/ipxe/ipxe.lkrn")
IPXE_ROM_UEFI = Part("/usr/lib/ipxe/qemu/efi-virtio.rom")
GRUB_BIOS = Part("/usr/lib/grub/i386-pc")
GRUB_UEFI = Part("/usr/lib/grub/x86_64-efi")
GRUB_UEFI_READY_MADE = Part("/usr/lib/grub/x86_64-efi/monolithic/grubnetx64.efi")
SYSTEMD_BOOT = Part("/usr/lib/systemd/boot/efi/systemd-bootx64.efi")
OVMF_CODE = Part("/usr/share/OVMF/OVMF_CODE_4M.fd")
OVMF_VARS = Part("/usr/share/OVMF/OVMF_VARS_4M.fd")


def program(name: str) -> str:
    """The path of a program, sbin folders included; raises MissingPartError."""
    places = os.pathsep.join(["/usr/sbin", "/sbin", "/usr/bin", "/bin"])
    found = shutil.which(name, path=places)
    if found is None:
        raise MissingPartError(name)
    return found


def kernel() -> Path:
    """The vmlinuz of Debian's cloud kernel, unpacked below build/rig/."""
    found = sorted((CACHE / "kernel" / "boot").glob("vmlinuz-*"))
    if not found:
        raise MissingPartError(f"{CACHE}/kernel/boot/vmlinuz-*")
    return found[0]


def kernel_release() -> str:
    return kernel().name.removeprefix("vmlinuz-")
