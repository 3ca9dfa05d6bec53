"""`kp image add --tree`: the entry `production` is what the tree's own loader boots."""

import hashlib
import json
from pathlib import Path

import pytest

from kpstore.formats import samples as make
from support.cli import Result, ok, run
from support.imagetree import fill, whole_image
from support.sources import ROOT

R, OTHER = "6.9.7-arch1-1", "6.6.37-1-lts"
GRUB = "boot/grub/grub.cfg"
UCODE, INITRD = "boot/intel-ucode.img", "boot/initramfs-linux.img"
LINE = "root=UUID=1 rw"
IMAGES = sorted(
    path.parent.name for path in ROOT.glob("fixtures/trees/whole/*/says.json")
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    ok(tmp_path / "site", "init")
    return tmp_path / "site"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Arch without a loader: two kernels that no file names a release of."""
    root = tmp_path / "tree"
    fill(
        root,
        {
            "usr/bin/bash": make.elf("", "x86_64"),
            "boot/vmlinuz-linux": make.bzimage(R),
            INITRD: make.initrd(R),
            UCODE: make.microcode(),
            "boot/vmlinuz-linux-lts": make.bzimage(OTHER),
            "boot/initramfs-linux-lts.img": make.initrd(OTHER),
            "boot/xen.gz": make.xen("4.17.5"),
        },
    )
    return root


def boots(tree: Path, *lines: str) -> None:
    text = "\n".join(["menuentry Linux {", *lines, "}", ""])
    fill(tree, {GRUB: text.encode()})


def add(site: Path, tree: Path) -> Result:
    return ok(site, "image", "add", "w", "--tree", str(tree), "-m", "new")


def entries(site: Path) -> list[str]:
    return ok(site, "image", "show", "w", "--json").json["entries"]


def test_the_loaders_initrds_are_the_entrys_in_their_order(
    site: Path, tree: Path
) -> None:
    boots(tree, f"linux /boot/vmlinuz-linux {LINE}", f"initrd /{UCODE} /{INITRD}")
    said = add(site, tree).err
    assert f"kernel {R}, from {GRUB}" in said and "warning" not in said
    entry = ok(site, "entry", "show", "w", "production", "--json").json
    assert entry["cmdline"] == LINE
    kernel = ok(site, "kernel", "show", "w", R, "--json").json
    sizes = [each["size"] for each in kernel["artifacts"]["initrd"]]
    assert sizes == [(tree / path).stat().st_size for path in (UCODE, INITRD)]


def test_an_initrd_that_is_lost_makes_no_entry(site: Path, tree: Path) -> None:
    boots(tree, f"linux /boot/vmlinuz-linux {LINE}", f"initrd /{UCODE} /{INITRD}")
    (tree / UCODE).unlink()
    said = add(site, tree).err
    assert f"with the initrd /{UCODE}, which is not in the tree" in said
    assert "no entry is made" in said
    assert entries(site) == []


def test_a_kernel_that_is_lost_makes_no_entry(site: Path, tree: Path) -> None:
    boots(tree, f"linux /boot/vmlinuz-zen {LINE}", f"initrd /{UCODE} /{INITRD}")
    said = add(site, tree).err
    assert f"{GRUB} boots /boot/vmlinuz-zen, which is not in the tree" in said
    assert f"no entry is made of {R}, {OTHER}\n" in said
    assert entries(site) == []


@pytest.mark.parametrize("hypervisor", ["/boot/xen.gz", "/boot/xen-4.99.gz"])
def test_a_kernel_under_a_hypervisor_is_never_made_bare(
    site: Path, tree: Path, hypervisor: str
) -> None:
    (tree / "boot/vmlinuz-linux-lts").unlink()
    boots(
        tree,
        f"multiboot2 {hypervisor} placeholder dom0_mem=4G",
        f"module2 /boot/vmlinuz-linux placeholder {LINE}",
        f"module2 --nounzip /{INITRD}",
    )
    said = add(site, tree).err
    assert f"boots {R} under the hypervisor" in said
    assert f"{hypervisor[1:]} dom0_mem=4G, which" in said.replace(" /boot", " boot")
    assert f"the kernel's own line is: {LINE}" in said
    assert entries(site) == []


def test_a_loader_that_boots_without_the_initrd_that_is_there_is_said(
    site: Path, tree: Path
) -> None:
    boots(tree, f"linux /boot/vmlinuz-linux {LINE}")
    said = add(site, tree).err
    assert f"warning: {GRUB} has no initrd for it: there is /{INITRD}" in said
    assert ok(site, "entry", "show", "w", "production", "--json").json["initrd"] == []


def test_what_boots_no_kernel_makes_no_entry(site: Path, tree: Path) -> None:
    boots(tree, "chainloader /EFI/Microsoft/Boot/bootmgfw.efi")
    said = add(site, tree).err
    assert f"warning: {GRUB} boots Linux, which is no Linux kernel" in said
    assert f"no entry is made of {R}, {OTHER}\n" in said


def test_several_kernels_without_a_loader(site: Path, tree: Path) -> None:
    said = add(site, tree).err
    why = "for no loader in the tree says which of them it boots"
    assert f"no entry is made of {R}, {OTHER}, {why}" in said


def test_the_only_kernel_without_a_loader(site: Path, tree: Path) -> None:
    (tree / "boot/vmlinuz-linux-lts").unlink()
    said = add(site, tree).err
    assert f"kernel {R}, from the only kernel, without a loader" in said
    entry = ok(site, "entry", "show", "w", "production", "--json").json
    assert (entry["cmdline"], len(entry["initrd"])) == ("", 2)


def test_an_initrd_that_belongs_to_another_kernel_is_refused(
    site: Path, tree: Path
) -> None:
    wrong = "initrd /boot/initramfs-linux-lts.img"
    boots(tree, f"linux /boot/vmlinuz-linux {LINE}", wrong)
    done = run(site, "image", "add", "w", "--tree", str(tree), "-m", "new")
    assert done.status == 1
    assert f"initramfs-linux-lts.img carries modules of {OTHER}" in done.err


@pytest.mark.parametrize("name", IMAGES)
def test_whole_images_of_distributions(site: Path, tmp_path: Path, name: str) -> None:
    files = whole_image(name)
    fill(tmp_path / name, files)
    expected = json.loads((ROOT / f"fixtures/trees/whole/{name}/says.json").read_text())
    said = add(site, tmp_path / name).err
    what = f"kernel {expected['release']}, from {expected['source']}"
    assert f"entry production: {what}\n" in said
    assert "warning" not in said
    entry = ok(site, "entry", "show", "w", "production", "--json").json
    assert entry["cmdline"] == expected["line"]
    kernel = ok(site, "kernel", "show", "w", expected["release"], "--json").json
    assert [each["sha256"] for each in kernel["artifacts"]["initrd"]] == [
        hashlib.sha256(files[initrd]).hexdigest() for initrd in expected["initrds"]
    ]
    assert kernel["artifacts"]["modules"]
