"""An image's own loader decides how kp writes for it, and what kp reads of it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from kpstore.formats import samples as make
from kpstore.formats.grubenv import value_of, with_value
from support.cli import ok, run
from support.imagetree import fill

MACHINE = "4f1c0a9e7b2d4c6f8e0a1b2c3d4e5f60"
OLD, NEW = "5.14.0-427.el9.x86_64", "5.14.0-503.el9.x86_64"
ENTRIES, BLOCK = "boot/loader/entries", "boot/grub2/grubenv"
EL = """\
if [ -s $prefix/grubenv ]; then
  load_env
fi
set default="${saved_entry}"
insmod blscfg
blscfg
"""
SAVED = with_value(None, "saved_entry", f"{MACHINE}-{OLD}".encode())
SAVED = with_value(SAVED, "kernelopts", b"root=/dev/sda1 ro")


def installed(
    *releases: str, boot: str = "", line: str = "$kernelopts quiet"
) -> dict[str, bytes | str]:
    """Kernels as a distribution leaves them, and an entry for each."""
    files: dict[str, bytes | str] = {"usr/bin/sh": make.elf("", "x86_64")}
    for release in releases:
        text = f"title L\nversion {release}\nlinux {boot}/vmlinuz-{release}\n"
        text += f"initrd {boot}/initramfs-{release}.img\noptions {line}\n"
        modules = make.module_files(release)
        files |= {
            f"boot/vmlinuz-{release}": make.bzimage(release),
            f"boot/initramfs-{release}.img": make.initrd(release),
            f"{ENTRIES}/{MACHINE}-{release}.conf": text.encode(),
            **{f"lib/modules/{release}/{name}": d for name, d in modules.items()},
        }
    return files


class Site:
    """A site with one image, taken from a tree."""

    def __init__(self, where: Path, files: Mapping[str, bytes | str]) -> None:
        self.root, self.tree = where / "site", where / "tree"
        fill(self.tree, files)
        ok(self.root, "init")
        ok(self.root, "image", "add", "el", "--tree", str(self.tree), "-m", "image")

    def kp(self, *argv: str, expected: int = 0) -> str:
        result = ok(self.root, *argv, expected=expected)
        return result.out

    def add_target(self) -> None:
        where = ("--root", str(self.tree), "--image", "el")
        self.kp(
            "target",
            "add",
            "d",
            "--kind",
            "image",
            *where,
            "--loader",
            "bls",
            "-m",
            "t",
        )

    @property
    def where(self) -> tuple[str, ...]:
        """The options of its target."""
        place = ("--root", str(self.tree), "--image", "el")
        return ("--kind", "image", *place, "--loader", "bls")

    def entry(self, name: str = "kp-production") -> dict[str, str]:
        lines = (self.tree / f"{ENTRIES}/{name}.conf").read_text().splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def saved(self) -> bytes | None:
        return value_of((self.tree / BLOCK).read_bytes(), "saved_entry")


@pytest.mark.parametrize("boot", ["/boot", ""])
def test_grub_s_entries_are_chosen_by_its_own_variable(
    tmp_path: Path, boot: str
) -> None:
    files = {**installed(OLD, NEW, boot=boot), "boot/grub2/grub.cfg": EL.encode()}
    site = Site(tmp_path, {**files, BLOCK: SAVED})
    assert OLD in site.kp("kernel", "list", "el")  # what saved_entry names
    before = {p: p.read_bytes() for p in site.tree.rglob("*") if p.is_file()}
    site.add_target()
    assert site.saved() == b"kp-production"
    assert not (site.tree / "boot/loader/loader.conf").exists()
    said = site.entry()
    assert said["linux"].startswith(f"{boot}/kp/")
    assert (site.tree / "boot" / said["linux"].removeprefix(f"{boot}/")).is_file()
    assert said["options"] == "root=/dev/sda1 ro quiet"
    site.kp("verify")
    site.kp("target", "rm", "d", "-m", "gone")
    after = {p: p.read_bytes() for p in site.tree.rglob("*") if p.is_file()}
    assert after == before


def test_what_kp_wrote_is_what_the_tree_boots(tmp_path: Path) -> None:
    files = {**installed(OLD, NEW, boot="/boot"), "boot/grub2/grub.cfg": EL.encode()}
    site = Site(tmp_path, {**files, BLOCK: SAVED})
    site.kp("kernel", "add", "el", "--installed", NEW, "-m", "new")
    site.kp("entry", "add", "el", "newer", "--kernel", NEW, "-m", "entry")
    site.add_target()
    site.kp("default", "el", "newer", "-m", "newer")
    assert site.saved() == b"kp-newer"
    site.kp("verify")
    again = tmp_path / "again"
    ok(again, "init")
    told = ok(again, "image", "add", "el", "--tree", str(site.tree), "--json").out
    assert NEW in told


def test_a_grub_that_does_not_ask_is_refused(tmp_path: Path) -> None:
    cfg = {"boot/grub2/grub.cfg": b'set default="0"\nblscfg\n'}
    site = Site(tmp_path, {**installed(OLD, boot="/boot"), **cfg, BLOCK: SAVED})
    result = run(site.root, "target", "add", "d", *site.where, "-m", "t")
    assert result.status == 1
    assert "saved_entry" in result.err and "--loader grub" in result.err
    assert (site.tree / BLOCK).read_bytes() == SAVED


def test_a_grub_that_asks_no_more_is_found_and_not_mended(tmp_path: Path) -> None:
    files = {**installed(OLD, boot="/boot"), "boot/grub2/grub.cfg": EL.encode()}
    site = Site(tmp_path, {**files, BLOCK: SAVED})
    site.add_target()
    site.kp("verify")
    (site.tree / "boot/grub2/grub.cfg").write_bytes(b'set default="0"\nblscfg\n')
    told = site.kp("verify", expected=4)
    assert f"{BLOCK}#saved_entry" in told and "GRUB_DEFAULT=saved" in told
    assert "GRUB_DEFAULT=saved" in site.kp("publish", "d", expected=6)
    (site.tree / "boot/grub2/grub.cfg").write_bytes(EL.encode())
    site.kp("verify")


SYSTEMD_BOOT = b"MZ #### LoaderInfo: systemd-boot 252 ####"


def test_systemd_boot_s_own_file_is_written_whatever_grub_left(tmp_path: Path) -> None:
    loader = {"boot/EFI/BOOT/BOOTX64.EFI": SYSTEMD_BOOT}
    left = {"boot/grub2/grub.cfg": EL.encode(), BLOCK: SAVED}
    kernels = installed(OLD, NEW, line="root=/dev/sda1 ro")
    site = Site(tmp_path, {**kernels, **loader, **left})
    assert NEW in site.kp("kernel", "list", "el")  # the newest: there is no loader.conf
    site.add_target()
    conf = (site.tree / "boot/loader/loader.conf").read_text()
    assert "default kp-production.conf\n" in conf
    assert site.entry()["linux"].startswith("/kp/")
    assert (site.tree / BLOCK).read_bytes() == SAVED


def test_a_rollback_goes_back_by_the_same_variable(tmp_path: Path) -> None:
    files = {**installed(OLD, NEW, boot="/boot"), "boot/grub2/grub.cfg": EL.encode()}
    site = Site(tmp_path, {**files, BLOCK: SAVED})
    site.kp("kernel", "add", "el", "--installed", NEW, "-m", "new")
    site.kp("entry", "add", "el", "newer", "--kernel", NEW, "-m", "entry")
    site.add_target()
    site.kp("good", "el", "-m", "fine")
    site.kp("default", "el", "newer", "-m", "newer")
    assert site.saved() == b"kp-newer"
    site.kp("rollback", "el", "-m", "back", "--yes")
    assert site.saved() == b"kp-production"


def unified(release: str, initrd: str) -> bytes:
    """A unified image as mkosi or ukify make it."""
    parts = {
        ".osrel": b"PRETTY_NAME=Fedora\nID=fedora\nVERSION_ID=40\n",
        ".cmdline": b"root=/dev/sda2 rw\0",
        ".ucode": make.microcode(),
        ".initrd": make.initrd(initrd),
    }
    return make.unified(release, more=parts)


def test_a_unified_image_gives_its_kernel_and_initrds(tmp_path: Path) -> None:
    modules = make.module_files("6.9.7").items()
    site = Site(
        tmp_path,
        {
            "usr/bin/sh": make.elf("", "x86_64"),
            "boot/EFI/systemd/systemd-bootx64.efi": SYSTEMD_BOOT,
            "boot/EFI/Linux/fedora-6.9.7.efi": unified("6.9.7", "6.9.7"),
            **{f"lib/modules/6.9.7/{name}": data for name, data in modules},
        },
    )
    shown = json.loads(site.kp("entry", "show", "el", "production", "--json"))
    assert shown["cmdline"] == "root=/dev/sda2 rw"
    site.add_target()
    held = {path.read_bytes() for path in (site.tree / "boot/kp").rglob("*.img")}
    assert held == {make.microcode(), make.initrd("6.9.7")}
    (kernel,) = (site.tree / "boot/kp").rglob("vmlinuz")
    assert kernel.read_bytes() == make.bzimage("6.9.7")
    assert site.entry()["options"] == "root=/dev/sda2 rw"


def test_a_unified_image_whose_parts_do_not_fit_is_refused(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    fill(
        tree,
        {
            "usr/bin/sh": make.elf("", "x86_64"),
            "boot/EFI/Linux/a.efi": unified("6.9.7", "6.1.0"),
        },
    )
    ok(tmp_path / "site", "init")
    add = ("image", "add", "web", "--tree", str(tree), "-m", "image")
    result = run(tmp_path / "site", *add)
    assert result.status == 1
    said = "initrd 2 in /boot/EFI/Linux/a.efi carries modules of 6.1.0"
    assert said in result.err


def test_a_cut_unified_image_is_named(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    cut = unified("6.9.7", "6.9.7")[:-1]
    fill(tree, {"usr/bin/sh": make.elf("", "x86_64"), "boot/EFI/Linux/a.efi": cut})
    ok(tmp_path / "site", "init")
    add = ("image", "add", "web", "--tree", str(tree), "-m", "image")
    result = ok(tmp_path / "site", *add)
    assert "boot/EFI/Linux/a.efi: cut off: its section .linux ends at" in result.err


def test_a_diff_names_what_chooses_in_the_tree(tmp_path: Path) -> None:
    files = {"boot/grub2/grub.cfg": EL.encode(), BLOCK: SAVED}
    site = Site(tmp_path, {**installed(OLD, NEW), **files})
    site.add_target()
    shown = site.kp("diff", "--rendered", "HEAD~1")
    assert f"+++ b/d/{BLOCK}#saved_entry" in shown
    assert "loader.conf" not in shown
