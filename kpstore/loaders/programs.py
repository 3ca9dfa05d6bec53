"""Which boot loaders' programs lie in an image's tree, and so decide what it boots.

systemd-boot is `EFI/systemd/systemd-boot<arch>.efi` on the ESP, and what says so of
itself at the firmware's fallback, `EFI/BOOT/BOOT<arch>.EFI` (bootctl(1) puts it at
both). GRUB is `EFI/*/grub<arch>.efi`, its core image below /boot, or, where its
programs are put on the disk later, a grub.cfg.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from kpstore.loaders.tree import Tree, on_fat

ESPS: Final = ("efi", "boot/efi", "boot")
"""Where the EFI system partition is mounted."""
CONF: Final = "loader/loader.conf"
"""systemd-boot's own configuration, on the ESP."""
_MAGIC: Final = b"#### LoaderInfo: systemd-boot"
_SYSTEMD: Final = "EFI/systemd/systemd-boot*.efi"
_FALLBACK: Final = "EFI/BOOT/BOOT*.EFI"
_CORES: Final = ("boot/grub/*/core.*", "boot/grub2/*/core.*")
_CONFIGS: Final = tuple(
    f"{folder}/grub.cfg"
    for folder in ("boot/grub", "boot/grub2", "boot/efi/EFI/*", "efi/EFI/*")
)
RED_HAT: Final = ("etc/redhat-release", "etc/system-release")
"""Whose GRUB reads boot loader entries; there zipl does, where there is no GRUB."""
_OF_OTHERS: Final = ("etc/default/grub", "etc/zipl.conf", *RED_HAT)
_BOOT_IS_FAT: Final = re.compile(r"^\s*[^#\s]\S*\s+/boot/?\s+vfat\s", re.MULTILINE)
_GRUB_EFI: Final = "EFI/*/grub*.efi"


class Program(NamedTuple):
    """systemd-boot: the ESP that it lies on, and the EFI's word for its machine."""

    esp: str
    arch: str


def systemd_boot(tree: Tree) -> Program | None:
    """Find the systemd-boot that decides; None where there is none, or GRUB does.

    Where both lie on the disk, the firmware's fallback tells which is meant.
    """
    for esp in ESPS:
        own = [*filter(tree.is_file, on_fat(tree, esp, _SYSTEMD))]
        fallbacks = [*filter(tree.is_file, on_fat(tree, esp, _FALLBACK))]
        same = [path for path in fallbacks if _is_systemd_boot(tree, path)]
        if same or (own and not (fallbacks and has_grub(tree))):
            name = (*same, *own)[0].rpartition("/")[2].lower().removesuffix(".efi")
            return Program(esp, name.removeprefix("systemd-").removeprefix("boot"))
    return None


def reads_entries(tree: Tree) -> bool:
    """Tell whether systemd-boot is what reads the boot loader entries in a tree.

    With no loader's program in it, its own configuration tells, or that nothing speaks
    for GRUB, or zipl: nobody else reads them.
    """
    if systemd_boot(tree) is not None or has_grub(tree):
        return systemd_boot(tree) is not None
    has_conf = any(any(on_fat(tree, esp, CONF)) for esp in ESPS)
    others = any(grub_configs(tree)) or any(map(tree.is_file, _OF_OTHERS))
    return has_conf or not others


def reads_boot(tree: Tree, esp: str) -> bool:
    """Tell whether systemd-boot reads /boot: where it is the ESP, or fstab says FAT."""
    fat = _BOOT_IS_FAT.search(tree.text("etc/fstab") or "")
    return esp == "boot" or fat is not None


def grub_configs(tree: Tree) -> Iterator[str]:
    """Yield the paths of GRUB's configurations."""
    return _found(tree, _CONFIGS)


def grub_decides(tree: Tree) -> bool:
    """Tell whether a grub.cfg counts: not one that is left beside systemd-boot."""
    found = systemd_boot(tree)
    if found is None:
        return True
    return has_grub(tree) and not any(on_fat(tree, found.esp, _FALLBACK))


def _is_systemd_boot(tree: Tree, path: str) -> bool:
    return _MAGIC in (tree.data(path) or b"")


def has_grub(tree: Tree) -> bool:
    """Tell whether a program of GRUB's lies in a tree."""
    on_esps = (path for esp in ESPS for path in on_fat(tree, esp, _GRUB_EFI))
    return any(_found(tree, _CORES)) or any(on_esps)


def _found(tree: Tree, patterns: Iterable[str]) -> Iterator[str]:
    paths = (path for each in patterns for path in tree.matching(each))
    return (path for path in paths if tree.is_file(path))
