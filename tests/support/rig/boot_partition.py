"""A disk whose one file system is an OS tree's boot/, started by systemd-boot.

That is how a machine reads Boot Loader Specification entries without a GRUB that
knows them (Debian's does not): FAT, systemd-boot as the firmware's default loader.
Paths in the entries are below boot/: `linux /kp/...`. Nothing needs root.
"""

import subprocess
from pathlib import Path

from support.rig import parts

_LOADER = "::/EFI/BOOT/BOOTX64.EFI"


def build(boot: Path, image: Path, size_mib: int = 64) -> Path:
    """Write `image` with a copy of everything in the folder `boot`."""
    with image.open("xb") as out:
        out.truncate(size_mib << 20)
    _mtools("mformat", image, "-F", "::")
    _mtools("mmd", image, "::/EFI", "::/EFI/BOOT")
    _mtools("mcopy", image, str(parts.SYSTEMD_BOOT.path), _LOADER)
    _mtools("mcopy", image, "-s", *map(str, sorted(boot.iterdir())), "::/")
    return image


def _mtools(name: str, image: Path, *arguments: str) -> None:
    argv = [parts.program(name), "-i", str(image), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} failed:\n{done.stderr}")
