"""Local disks: an image that boots an OS tree's own boot/grub/grub.cfg.

One MBR disk for both firmwares: GRUB's core image in the gap behind the MBR, an
EFI system partition with GRUB as its default loader, and the tree as ext4. Nothing
is mounted, so no root is needed. Layout in sectors of 512 bytes:

    0            MBR with GRUB's boot.img
    1 ..         GRUB's core.img
    2048 ..      partition 1: FAT, /EFI/BOOT/BOOTX64.EFI
    18432 ..     partition 2: ext4, the tree
"""

import struct
import subprocess
from pathlib import Path

from support.rig import parts

_SECTOR = 512
_ESP_START, _ESP_SECTORS = 2048, 16384
_TREE_START = _ESP_START + _ESP_SECTORS
_ESP_TYPE, _LINUX_TYPE = 0xEF, 0x83
_BOOT_CODE = 440
_PREFIX = "(hd0,msdos2)/boot/grub"
_MODULES = [
    *("part_msdos", "ext2", "normal", "linux", "configfile", "search"),
    *("echo", "test", "boot", "loadenv", "regexp"),
]


def build(tree: Path, image: Path, size_mib: int = 96) -> Path:
    """Write `image`, with a copy of `tree` in a file system of `size_mib`."""
    work = image.with_suffix(".parts")
    work.mkdir()
    core = _grub("i386-pc", work / "core.img", [*_MODULES, "biosdisk"]).read_bytes()
    if len(core) > (_ESP_START - 1) * _SECTOR:
        raise AssertionError("GRUB's core image does not fit behind the MBR")
    with image.open("xb") as out:
        out.write(_master_boot_record(size_mib))
        out.write(core)
        out.seek(_ESP_START * _SECTOR)
        out.write(_efi_partition(work).read_bytes())
    _add_tree(tree, image, size_mib)
    return image


def _grub(platform: str, out: Path, modules: list[str]) -> Path:
    make = parts.program("grub-mkimage")
    _run(make, "-O", platform, "-p", _PREFIX, "-o", str(out), *modules)
    return out


def _master_boot_record(size_mib: int) -> bytes:
    code = (parts.GRUB_BIOS.path / "boot.img").read_bytes()[:_BOOT_CODE]
    esp = _partition(_ESP_TYPE, _ESP_START, _ESP_SECTORS)
    tree = _partition(_LINUX_TYPE, _TREE_START, size_mib * 2048)
    return code + b"kp!\0\0\0" + esp + tree + bytes(32) + b"\x55\xaa"


def _partition(kind: int, start: int, sectors: int) -> bytes:
    beyond_chs = b"\xfe\xff\xff"
    return struct.pack("<B3sB3sII", 0, beyond_chs, kind, beyond_chs, start, sectors)


def _efi_partition(work: Path) -> Path:
    esp = work / "esp.img"
    efi = _grub("x86_64-efi", work / "grub.efi", _MODULES)
    with esp.open("xb") as out:
        out.truncate(_ESP_SECTORS * _SECTOR)
    _run(parts.program("mformat"), "-i", str(esp), "::")
    _run(parts.program("mmd"), "-i", str(esp), "::/EFI", "::/EFI/BOOT")
    target = "::/EFI/BOOT/BOOTX64.EFI"
    _run(parts.program("mcopy"), "-i", str(esp), str(efi), target)
    return esp


def _add_tree(tree: Path, image: Path, size_mib: int) -> None:
    with image.open("r+b") as out:
        out.truncate(_TREE_START * _SECTOR + (size_mib << 20))
    offset = f"offset={_TREE_START * _SECTOR}"
    make = parts.program("mke2fs")
    # -F: mke2fs asks before it writes into a file that starts with an MBR.
    options = ("-q", "-F", "-t", "ext4", "-E", offset, "-d", str(tree))
    _run(make, *options, str(image), f"{size_mib}M")


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(argv)} failed:\n{done.stderr}")
