"""A disk whose one file system is an OS tree's boot/, as FAT: nothing needs root.

systemd-boot as the firmware's default loader is how a machine reads Boot Loader
Specification entries without a GRUB that knows them (Debian's does not). SYSLINUX is
what EXTLINUX is on other file systems: it too reads the extlinux.conf of its folder.
"""

import subprocess
from pathlib import Path

from support.rig import parts

_LOADER = "::/EFI/BOOT/BOOTX64.EFI"


_SIZE = 64 << 20


def build(boot: Path, image: Path) -> Path:
    """Write `image` with a copy of what is in the folder `boot`, and systemd-boot."""
    _format(boot, image)
    _mtools("mmd", image, "::/EFI", "::/EFI/BOOT")
    _mtools("mcopy", image, str(parts.SYSTEMD_BOOT.path), _LOADER)
    return image


def build_syslinux(boot: Path, image: Path, folder: str) -> Path:
    """Write it with SYSLINUX, installed into `folder`, which starts with a slash."""
    _format(boot, image)
    _run(parts.program("syslinux"), "--install", "--directory", folder, str(image))
    return image


def _format(boot: Path, image: Path) -> None:
    with image.open("xb") as out:
        out.truncate(_SIZE)
    _mtools("mformat", image, "-F", "::")
    _mtools("mcopy", image, "-s", *map(str, sorted(boot.iterdir())), "::/")


def _mtools(name: str, image: Path, *arguments: str) -> None:
    _run(parts.program(name), "-i", str(image), *arguments)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} failed:\n{done.stderr}")
