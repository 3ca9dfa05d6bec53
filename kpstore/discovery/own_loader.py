"""How the loader of an image tree sees kp's entries, and what chooses for it.

Paths in entries start at the root of the file system that holds /boot: as the tree's
own entries have it, else as its fstab tells. systemd-boot boots what loader.conf on
its ESP says; GRUB's blscfg what grubenv's `saved_entry` says, if grub.cfg asks it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from kpstore.discovery.files import SeenTree
from kpstore.disk.beneath import Beneath
from kpstore.formats.grubenv import SIZE
from kpstore.loaders.boot_entries import fields, first
from kpstore.loaders.foreign import FOREIGN
from kpstore.loaders.listing import Listing
from kpstore.loaders.menu import TreeOptions
from kpstore.loaders.mounts import file_systems, find, holding
from kpstore.loaders.programs import (
    CONF,
    grub_configs,
    has_grub,
    reads_boot,
    systemd_boot,
)
from kpstore.loaders.tree import Laid, Tree

_ENTRIES: Final = "boot/loader/entries"
_KPS: Final = "kp-"
_PROBES: Final = (f"{_KPS}probe-1", f"{_KPS}probe-2")
_SAVED: Final = "saved_entry"
_READS_NONE: Final = (
    "the GRUB of this image reads no boot loader entries: its grub.cfg has no blscfg"
)


def seen_options(root: Path, usual: TreeOptions) -> TreeOptions:
    """Return how the loader of the tree at `root` sees it.

    What is `usual` where there is no tree, or none that reads entries. What kp wrote
    itself tells nothing.
    """
    try:
        opened = Beneath.open(root)
    except (FileNotFoundError, NotADirectoryError):
        return usual
    with opened as beneath:
        tree = SeenTree(beneath)
        if program := systemd_boot(tree):
            return _systemd(tree, program.esp, usual)
        if _reads_entries(tree):
            return _grub(tree, usual)
        if has_grub(tree):
            return usual._replace(chooser=f"boot/{CONF}", unfit=_READS_NONE)
        return usual


def _systemd(tree: Tree, esp: str, usual: TreeOptions) -> TreeOptions:
    seen = usual._replace(chooser=f"{esp}/{CONF}")
    if reads_boot(tree, esp):
        return seen
    return seen._replace(
        unfit=f"systemd-boot lies on /{esp} and reads no entries in /boot, where kp "
        "keeps kernels: mount the ESP at /boot, or say in etc/fstab that /boot is vfat"
    )


def _grub(tree: Tree, usual: TreeOptions) -> TreeOptions:
    seen = usual._replace(boot=_boot_seen(tree))
    configs = [*grub_configs(tree)]
    blocks = [f"{config.rpartition('/')[0]}/grubenv" for config in configs]
    for block in blocks:
        if all(_boots(tree, block, name) == {name} for name in _PROBES):
            return seen._replace(chooser=f"{block}#{_SAVED}")
    return seen._replace(
        chooser=f"{blocks[0]}#{_SAVED}",
        unfit=f"GRUB reads the boot loader entries of this image, and "
        f"{', '.join(configs)} doesn't boot the one that {_SAVED} of its grubenv "
        "names: set GRUB_DEFAULT=saved in the image and run its grub-mkconfig",
    )


def _reads_entries(tree: Tree) -> bool:
    """Tell whether GRUB lists what lies among the boot loader entries."""
    listings = _listings(tree, {})
    return any(each.ident in _PROBES for found in listings for each in found.choices)


def _boots(tree: Tree, block: str, name: str) -> set[str]:
    """Return the ids of what GRUB's configurations boot where `name` is saved.

    Asked for two names: no number means both.
    """
    saved = f"# GRUB Environment Block\n{_SAVED}={name}\n".encode()
    listings = _listings(tree, {block: saved.ljust(SIZE, b"#")})
    return {each.chosen.ident if each.chosen else "" for each in listings}


def _listings(tree: Tree, files: Mapping[str, bytes]) -> list[Listing]:
    """Read GRUB's configurations, with two entries and files laid over the tree."""
    entries = {
        f"{_ENTRIES}/{each}.conf": f"title {each}\nlinux /{each}\n".encode()
        for each in _PROBES
    }
    laid = Laid(tree, {**entries, **files})
    configs = {*grub_configs(tree)}
    listings = (listing for each in FOREIGN for listing in each.read(laid))
    return [each for each in listings if each.choices and each.source in configs]


def _boot_seen(tree: Tree) -> str:
    """Return what /boot is called on its file system; see `TreeOptions.boot`."""
    for path in reversed([*tree.matching(f"{_ENTRIES}/*.conf")]):
        said = first(fields(tree.text(path) or ""), "linux")
        found = find(tree, said) if said else None
        if found and found.startswith("boot/") and not _is_kps(path):
            below = found.removeprefix("boot")
            if said.endswith(below):
                return said.removesuffix(below)
    systems = file_systems(tree)
    on = holding(systems, "boot/kp")
    if on is None:
        return ""
    return on.volume if on.mount == "/boot" else f"{on.volume}/boot"


def _is_kps(path: str) -> bool:
    return path.startswith(f"{_ENTRIES}/{_KPS}")
