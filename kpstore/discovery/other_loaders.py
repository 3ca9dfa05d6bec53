"""Loaders that kp has no reader for, told by their files: data, and who looks.

What boots by them has a command line that nobody here knows.
"""

from collections.abc import Iterator
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.formats.uki import read_unified
from kpstore.loaders.mounts import file_systems
from kpstore.loaders.programs import ESPS
from kpstore.loaders.tree import Tree, on_fat

_IN_TREE: Final = {
    "GRUB before 2: its manual, Configuration": ("boot/grub/menu.lst",),
    "the same, as Red Hat calls it: grubby(8)": ("boot/grub/grub.conf",),
    "LILO, SILO, PALO, aboot: *.conf(5)": (
        *("etc/lilo.conf", "etc/silo.conf", "etc/palo.conf", "etc/aboot.conf"),
        *("etc/elilo.conf", "boot/elilo.conf"),
    ),
    "zipl: zipl.conf(5)": ("etc/zipl.conf",),
    "yaboot, petitboot: yaboot.conf(5), kexec-tools' kboot": (
        *("etc/yaboot.conf", "etc/kboot.conf", "boot/kboot.conf"),
    ),
    "rEFInd: its manual, Configuring": ("boot/refind_linux.conf",),
    "Raspberry Pi: its documentation, config.txt": (
        *("boot/cmdline.txt", "boot/config.txt"),
        *("boot/firmware/cmdline.txt", "boot/firmware/config.txt"),
    ),
    "U-Boot's scripts: Armbian's and BeagleBoard's boot.scr": (
        *("boot/boot.scr", "boot/boot.scr.uimg", "boot/boot.ini"),
        *("boot/*Env.txt", "boot/firmware/*Env.txt"),
        *("etc/default/flash-kernel", "etc/default/u-boot"),
    ),
    "mkinitcpio(8): the command line of a unified image": ("etc/cmdline.d/*.conf",),
    "bootc's manual: Kernel arguments": ("usr/lib/bootc/kargs.d/*.toml",),
}
_ON_ESP: Final = {
    "Xen: its manual, Xen under EFI": ("EFI/*/xen*.cfg",),
    "ELILO: its manual": ("EFI/*/elilo.conf",),
    "rEFInd, Clover: their manuals": (
        *("EFI/*/refind.conf", "EFI/CLOVER/config.plist"),
    ),
    "Limine: its manual, Configuration": (
        *("limine.conf", "limine.cfg", "limine/limine.conf"),
        *("EFI/*/limine.conf", "EFI/*/limine.cfg"),
    ),
    "UEFI Shell: its specification, 3.3": ("startup.nsh",),
    "Boot Loader Specification, type 2": ("EFI/Linux/*.efi",),
}
_ELSEWHERE: Final = ("esp", "boot/esp")
"""Where an EFI system partition lies that no reader looks at, beside fstab's."""
_READ_ON_ESP: Final = (
    *("loader/loader.conf", "loader/entries/*.conf", "EFI/*/grub.cfg"),
    *("EFI/systemd/systemd-boot*.efi", "EFI/*/syslinux.cfg"),
)
_STARTED: Final = "EFI/*/*.efi"


def of_other_loaders(tree: Tree) -> list[str]:
    """Name the files of loaders that kp has no reader for."""
    paths = (path for path in _paths(tree) if tree.is_file(path))
    return [f"{path}, and what boots by it" for path in dict.fromkeys(paths)]


def _paths(tree: Tree) -> Iterator[str]:
    for patterns in _IN_TREE.values():
        for pattern in patterns:
            yield from tree.matching(pattern)
    for esp in (*ESPS, *(others := _other_esps(tree))):
        for patterns in (*_ON_ESP.values(), _READ_ON_ESP if esp in others else ()):
            for pattern in patterns:
                yield from on_fat(tree, esp, pattern)
        for path in on_fat(tree, esp, _STARTED):
            if _is_unified(tree, path):
                yield path


def _other_esps(tree: Tree) -> list[str]:
    mounts = (each.mount.strip("/") for each in file_systems(tree) if each.is_fat)
    return sorted({*_ELSEWHERE, *filter(None, mounts)} - {*ESPS})


def _is_unified(tree: Tree, path: str) -> bool:
    """Tell a program that firmware starts and that holds a kernel."""
    size = tree.size(path) or 0
    try:
        found = read_unified(lambda at, most: tree.data(path, at, most) or b"", size)
    except InvalidInput:
        return True
    return found is not None
