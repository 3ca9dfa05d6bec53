"""How the loader of an image tree sees kp's entries, and what chooses for it."""

from pathlib import Path

import pytest

from kpstore.discovery.own_loader import seen_options
from kpstore.loaders.menu import NOTE, TreeOptions
from support.imagetree import fill

USUAL = TreeOptions()
MACHINE = "4f1c0a9e7b2d4c6f8e0a1b2c3d4e5f60"
RELEASE = "5.14.0-427.el9.x86_64"
ENTRY = f"boot/loader/entries/{MACHINE}-{RELEASE}.conf"
VMLINUZ = f"boot/vmlinuz-{RELEASE}"

EL = """\
if [ -s $prefix/grubenv ]; then
  load_env
fi
set default="${saved_entry}"
insmod blscfg
blscfg
"""
FIXED = 'set default="0"\nblscfg\n'
DEBIAN = """\
set default="0"
menuentry 'Debian' --id 'debian' {
  linux /boot/vmlinuz-6.1 root=UUID=1 ro
}
"""
SAVED_DEBIAN = DEBIAN.replace('"0"', '"${saved_entry}"')


def options(root: Path, files: dict[str, bytes | str]) -> TreeOptions:
    fill(root, {"etc/hostname": b"n1\n", **files})
    return seen_options(root, USUAL)


def grub(config: str, folder: str = "boot/grub2") -> dict[str, bytes | str]:
    return {f"{folder}/grub.cfg": config.encode()}


def entry(path: str) -> dict[str, bytes | str]:
    text = f"title L\nversion {RELEASE}\nlinux {path}\noptions ro\n"
    return {ENTRY: text.encode(), VMLINUZ: b"kernel"}


def test_without_a_tree_or_a_loader_all_is_usual(tmp_path: Path) -> None:
    assert seen_options(tmp_path / "nothing", USUAL) == USUAL
    assert options(tmp_path / "tree", {}) == USUAL


@pytest.mark.parametrize("folder", ["boot/grub2", "boot/grub", "boot/efi/EFI/redhat"])
def test_grub_s_saved_entry_chooses_where_its_config_asks_it(
    tmp_path: Path, folder: str
) -> None:
    found = options(tmp_path, grub(EL, folder))
    assert (found.chooser, found.unfit) == (f"{folder}/grubenv#saved_entry", "")


@pytest.mark.parametrize("config", [FIXED, "blscfg\n", "set default=$x\nblscfg\n"])
def test_a_config_that_does_not_ask_it_is_unfit(tmp_path: Path, config: str) -> None:
    found = options(tmp_path, grub(config))
    assert "boot/grub2/grub.cfg doesn't boot the one that saved_entry" in found.unfit
    assert "GRUB_DEFAULT=saved" in found.unfit


@pytest.mark.parametrize("config", [DEBIAN, SAVED_DEBIAN, "", "{", "# x\n"])
def test_a_grub_that_reads_no_entries_is_unfit(tmp_path: Path, config: str) -> None:
    """Without its program nobody knows that it boots the image."""
    assert options(tmp_path / "a", grub(config)) == USUAL
    core = {"boot/grub2/i386-pc/core.img": b"core"}
    found = options(tmp_path / "b", {**core, **grub(config)})
    assert "reads no boot loader entries" in found.unfit
    assert "reads no boot loader entries" in options(tmp_path / "c", core).unfit


def test_what_kp_wrote_itself_tells_of_no_loader(tmp_path: Path) -> None:
    own = {"boot/grub/grub.cfg": f"{NOTE}set default=kp-a\n".encode()}
    assert options(tmp_path / "a", own) == USUAL
    conf = {"boot/loader/loader.conf": f"{NOTE}default kp-a.conf\n".encode()}
    found = options(tmp_path / "b", {**conf, **grub(EL)})
    assert found.chooser == "boot/grub2/grubenv#saved_entry"


@pytest.mark.parametrize(
    ("path", "boot"),
    [
        (f"/boot/vmlinuz-{RELEASE}", "/boot"),
        (f"/vmlinuz-{RELEASE}", ""),
        (f"/@/boot/vmlinuz-{RELEASE}", "/@/boot"),
        (f"/rootfs/boot/vmlinuz-{RELEASE}", ""),  # nobody knows where that is
    ],
)
def test_paths_are_as_the_tree_s_own_entries_have_them(
    tmp_path: Path, path: str, boot: str
) -> None:
    assert options(tmp_path, {**grub(EL), **entry(path)}).boot == boot


@pytest.mark.parametrize(
    ("fstab", "boot"),
    [
        ("UUID=1 / xfs defaults 0 0\n", "/boot"),
        ("UUID=1 / xfs defaults 0 0\nUUID=2 /boot xfs defaults 0 0\n", ""),
        ("UUID=1 / btrfs subvol=@ 0 0\n", "/@/boot"),
        ("UUID=1 / btrfs subvol=@ 0 0\nUUID=1 /boot btrfs subvol=@b 0 0\n", "/@b"),
        ("UUID=3 /home xfs defaults 0 0\n", ""),
    ],
)
def test_else_as_its_fstab_has_it(tmp_path: Path, fstab: str, boot: str) -> None:
    assert options(tmp_path, {**grub(EL), "etc/fstab": fstab.encode()}).boot == boot


def test_kp_s_own_entries_tell_nothing(tmp_path: Path) -> None:
    own = {"boot/loader/entries/kp-a.conf": f"linux /vmlinuz-{RELEASE}\n".encode()}
    files = {**grub(EL), **own, **entry(f"/boot/vmlinuz-{RELEASE}")}
    assert options(tmp_path, files).boot == "/boot"


@pytest.mark.parametrize("esp", ["boot", "boot/efi", "efi"])
def test_systemd_boot_s_own_file_is_beside_it(tmp_path: Path, esp: str) -> None:
    program = {f"{esp}/EFI/systemd/systemd-bootx64.efi": b"MZ"}
    fat = {"etc/fstab": b"UUID=1 / ext4 defaults 0 0\nUUID=2 /boot vfat umask=77 0 0\n"}
    found = options(tmp_path, {**program, **fat})
    assert found == TreeOptions(chooser=f"{esp}/loader/loader.conf")


def test_systemd_boot_that_reads_no_boot_is_unfit(tmp_path: Path) -> None:
    program = {"efi/EFI/systemd/systemd-bootx64.efi": b"MZ"}
    assert "reads no entries in /boot" in options(tmp_path, program).unfit
