"""A loader's path, found in the tree by its fstab, or where it usually lies."""

import pytest

from kpstore.loaders.mounts import FileSystem, file_systems, find, holding, places
from support.filetree import Files

FSTAB = """\
# <file system> <mount point> <type> <options> <dump> <pass>
UUID=aa / btrfs defaults,subvol=@ 0 0
UUID=bb\t/boot  ext4 defaults 0 2
/dev/disk\\040one /srv/a\\040b ext4 defaults 0 0
UUID=cc none swap sw 0 0
LABEL=EFI /boot/efi/ vfat umask=0077 0 1
broken
"""
ROOT = FileSystem("UUID=aa", "/", "/@")
BOOT = FileSystem("UUID=bb", "/boot")


def test_what_an_fstab_says() -> None:
    assert file_systems(Files({"etc/fstab": FSTAB})) == (
        FileSystem("LABEL=EFI", "/boot/efi", is_fat=True),
        FileSystem("/dev/disk one", "/srv/a b"),
        BOOT,
        ROOT,
    )
    assert file_systems(Files({})) == ()


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("boot/grub/grub.cfg", "/boot"),
        ("/boot", "/boot"),
        ("bootx/a", "/"),
        ("boot/efi/EFI/x", "/boot/efi"),
        ("etc", "/"),
    ],
)
def test_the_file_system_that_a_path_lies_on(path: str, mount: str) -> None:
    found = holding(file_systems(Files({"etc/fstab": FSTAB})), path)
    assert found and found.mount == mount
    assert holding((), path) is None


@pytest.mark.parametrize(
    ("path", "on", "place"),
    [
        ("/vmlinuz", BOOT, "boot/vmlinuz"),
        ("/@/boot/vmlinuz", ROOT, "boot/vmlinuz"),
        ("/boot/vmlinuz", ROOT, "boot/vmlinuz"),
        ("/vmlinuz", None, "boot/vmlinuz"),
        ("/boot/vmlinuz", None, "boot/vmlinuz"),
        ("/@/boot/vmlinuz", None, "boot/vmlinuz"),
        ("/@/.snapshots/1/snapshot/boot/vmlinuz", None, "boot/vmlinuz"),
        ("/ROOT/debian@/boot/vmlinuz", None, "boot/vmlinuz"),
        ("/BOOT/ubuntu_1x@/vmlinuz", None, "boot/vmlinuz"),
        ("/@/boot", BOOT, "boot"),
        ("/EFI/x.efi", None, "boot/efi/EFI/x.efi"),
        ("/../boot/./vmlinuz", None, "boot/vmlinuz"),
        ("/none", ROOT, None),
        ("vmlinuz", BOOT, None),
        ("", None, None),
        ("/" + "a@/" * 2000, None, None),
    ],
)
def test_where_a_path_lies(path: str, on: FileSystem | None, place: str | None) -> None:
    tree = Files({"boot/vmlinuz": "", "boot/efi/EFI/x.efi": ""})
    assert find(tree, path, on) == place


def test_a_file_system_that_is_known_comes_first() -> None:
    tree = Files({"boot/vmlinuz": "", "vmlinuz": ""})
    assert find(tree, "/vmlinuz", BOOT) == "boot/vmlinuz"
    assert find(tree, "/vmlinuz") == "vmlinuz"
    assert next(places("/vmlinuz", BOOT)) == "boot/vmlinuz"
