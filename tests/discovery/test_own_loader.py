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


# As grub2-mkconfig of Red Hat Enterprise Linux 9 writes them, without what draws menus.
WHOLE = """\
set pager=1
if [ -f ${config_directory}/grubenv ]; then
  load_env -f ${config_directory}/grubenv
elif [ -s $prefix/grubenv ]; then
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="${saved_entry}"
fi
if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi
export menuentry_id_option
if [ "${prev_saved_entry}" ]; then
  set saved_entry="${prev_saved_entry}"
  save_env saved_entry
  set prev_saved_entry=
  save_env prev_saved_entry
  set boot_once=true
fi
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
insmod part_gpt
insmod xfs
if [ x$feature_platform_search_hint = xy ]; then
  search --no-floppy --fs-uuid --set=root --hint-efi=hd0,gpt2  2222
else
  search --no-floppy --fs-uuid --set=root 2222
fi
set boot='hd0,gpt2'
if [ -z "${kernelopts}" ]; then
  set kernelopts="root=/dev/mapper/rhel-root ro crashkernel=1G-4G:192M"
fi
insmod blscfg
blscfg
if [ "${menu_auto_hide}" ]; then set menu_hide_ok=1; fi
"""
STUB = """\
search --no-floppy --root-dev-only --fs-uuid --set=dev 2222
set prefix=($dev)/grub2
export $prefix
configfile $prefix/grub.cfg
"""
FSTAB = b"""\
/dev/mapper/rhel-root / xfs defaults 0 0
UUID=2222 /boot xfs defaults 0 0
UUID=1111-2222 /boot/efi vfat umask=0077,shortname=winnt 0 2
"""


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


@pytest.mark.parametrize("link", ["", "../efi/EFI/redhat/grubenv"])
def test_red_hat_s_own_configuration_on_a_machine_with_an_esp(
    tmp_path: Path, link: str
) -> None:
    """The ESP's grub.cfg leads to the one on /boot."""
    block = {"boot/grub2/grubenv": link} if link else {}
    files = {"etc/redhat-release": b"Red Hat Enterprise Linux release 9.4\n"}
    found = options(
        tmp_path,
        {
            **files,
            **block,
            "etc/fstab": FSTAB,
            **grub(WHOLE),
            **grub(STUB, "boot/efi/EFI/redhat"),
            "boot/efi/EFI/redhat/grubx64.efi": b"MZ",
            "boot/efi/EFI/BOOT/BOOTX64.EFI": b"MZ shim",
            **entry(f"/vmlinuz-{RELEASE}"),
        },
    )
    assert found == TreeOptions(chooser="boot/grub2/grubenv#saved_entry")


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
