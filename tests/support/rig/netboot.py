"""Network boots: every loader that kp writes menus for, started for real.

Where a loader looks below the TFTP root, and which file DHCP has to name:

    pxelinux         pxelinux.0               pxelinux.cfg/01-<mac>
    grub-bios        grub/i386-pc/core.0      grub/grub.cfg-01-<mac>
    grub-uefi        grub/x86_64-efi/core.efi grub/grub.cfg-01-<mac>
    grub-ready-made  grubnetx64.efi           grub/grub.cfg, for every node
    ipxe-bios, -uefi ipxe/boot.ipxe           what that script says

`grub-ready-made` is the image that Debian signs for Secure Boot, unsigned.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.rig import parts, qemu, tftp

# Loaded with the core instead of file by file over TFTP: seconds under TCG.
_GRUB_MODULES = "normal configfile linux echo test regexp chain part_msdos search"
_GRUB_BIOS_MODULES = f"{_GRUB_MODULES} biosdisk"


@dataclass(frozen=True)
class Loader:
    """A loader: its firmware, the file that DHCP names, how it gets to the root."""

    name: str
    firmware: qemu.Firmware
    boot_file: str
    install: Callable[[Path], None]


def _install_pxelinux(root: Path) -> None:
    shutil.copyfile(parts.PXELINUX.path, root / "pxelinux.0")
    for module in ("ldlinux.c32", "libcom32.c32", "libutil.c32", "chain.c32"):
        shutil.copyfile(parts.SYSLINUX_MODULES.path / module, root / module)


def _make_grub_folder(root: Path, platform: parts.Part, modules: str) -> None:
    subprocess.run(
        [
            *(parts.program("grub-mknetdir"), f"--net-directory={root}"),
            *("--subdir=grub", "-d", str(platform.path), f"--modules={modules}"),
            *("--fonts=", "--locales=", "--themes="),
        ],
        check=True,
        capture_output=True,
    )


def _install_grub_bios(root: Path) -> None:
    _make_grub_folder(root, parts.GRUB_BIOS, _GRUB_BIOS_MODULES)


def _install_grub_uefi(root: Path) -> None:
    _make_grub_folder(root, parts.GRUB_UEFI, _GRUB_MODULES)


def _install_grub_ready_made(root: Path) -> None:
    shutil.copyfile(parts.GRUB_UEFI_READY_MADE.path, root / "grubnetx64.efi")


def _install_nothing(_root: Path) -> None:
    """Leave the root alone: iPXE lies in the network card."""


PXELINUX = Loader("pxelinux", "bios", "pxelinux.0", _install_pxelinux)
GRUB_BIOS = Loader("grub-bios", "bios", "grub/i386-pc/core.0", _install_grub_bios)
GRUB_UEFI = Loader("grub-uefi", "uefi", "grub/x86_64-efi/core.efi", _install_grub_uefi)
GRUB_READY_MADE = Loader(
    "grub-ready-made", "uefi", "grubnetx64.efi", _install_grub_ready_made
)
IPXE_BIOS = Loader("ipxe-bios", "bios", "ipxe/boot.ipxe", _install_nothing)
IPXE_UEFI = Loader("ipxe-uefi", "uefi", "ipxe/boot.ipxe", _install_nothing)
LOADERS = (PXELINUX, GRUB_BIOS, IPXE_BIOS, GRUB_UEFI, GRUB_READY_MADE, IPXE_UEFI)


def machine(
    loader: Loader,
    server: tftp.Server,
    scratch: Path,
    *,
    mac: str = qemu.Machine.mac,
    disk: Path | None = None,
    from_rom: bool = False,
    resets: bool = False,
) -> qemu.Machine:
    """A node that boots over the network from the daemon `server`.

    A BIOS machine skips DHCP unless `from_rom` (a UEFI machine never does): use
    that where the way back from the loader to the firmware matters.
    """
    by_dhcp = from_rom or loader.firmware == "uefi"
    folder = scratch / "first"
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "start.ipxe"
    script.write_text(_first_script(loader, server, by_dhcp))
    return qemu.Machine(
        loader.firmware,
        mac,
        disk=disk,
        tftp=folder if by_dhcp else None,
        boot_file=script.name,
        script=None if by_dhcp else script,
        resets=resets,
    )


def machine_without_daemon(
    loader: Loader, root: Path, *, mac: str = qemu.Machine.mac, disk: Path | None = None
) -> qemu.Machine:
    """A node for which DHCP names the loader itself, served by QEMU's own TFTP.

    Needs no daemon and no root, but QEMU follows links that in.tftpd would refuse.
    """
    return qemu.Machine(
        loader.firmware, mac, disk=disk, tftp=root, boot_file=loader.boot_file
    )


def _first_script(loader: Loader, server: tftp.Server, by_dhcp: bool) -> str:
    """What iPXE does first: take `server` for the one that DHCP would have named."""
    fixed = [
        "set net0/ip 10.0.2.15",
        "set net0/netmask 255.255.255.0",
        f"set net0/gateway {qemu.HOST}",
        "ifopen net0",
    ]
    lines = [
        "#!ipxe",
        *([] if by_dhcp else fixed),
        f"set net0/next-server {server.address}",
        f"set net0/filename {loader.boot_file}",
        f"chain tftp://{server.address}/{loader.boot_file}",
    ]
    return "\n".join(lines) + "\n"
