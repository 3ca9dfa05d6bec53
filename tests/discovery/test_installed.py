"""The kernels in an image tree, found and taken in beneath its root."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.artifacts.store import ArtifactStore
from kpstore.discovery.arch import tree_arch
from kpstore.discovery.installed import Installed, installed_kernels
from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.formats import samples as make
from kpstore.kernels.gather import Needs
from kpstore.kernels.origins.files import KernelFiles
from support.imagetree import fill
from support.taking import gather_files, gather_installed

X86 = Needs("x86_64")
DEBIAN, FEDORA = "6.1.0-13-amd64", "6.6.8-200.fc39.x86_64"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.mkdir()
    return path


@pytest.fixture
def tree(root: Path) -> Iterator[Beneath]:
    with Beneath.open(root) as opened:
        yield opened


def debian(root: Path, release: str = DEBIAN) -> None:
    fill(
        root,
        {
            f"boot/vmlinuz-{release}": make.bzimage(release),
            f"boot/initrd.img-{release}": make.initrd(release),
            f"boot/config-{release}": make.config().encode(),
            f"boot/System.map-{release}": b"ffffffff B The real System.map is in dbg\n",
            **{
                f"usr/lib/modules/{release}/{name}": data
                for name, data in make.module_files(release).items()
            },
        },
    )
    if not (root / "lib").is_symlink():
        (root / "lib").symlink_to("usr/lib")


def test_debian(root: Path, tree: Beneath) -> None:
    debian(root)
    debian(root, "6.1.0-9-amd64")
    (root / "vmlinuz").symlink_to(f"boot/vmlinuz-{DEBIAN}")
    found = installed_kernels(tree)
    assert [each.release for each in found] == [DEBIAN, "6.1.0-9-amd64"]
    assert found[0] == Installed(
        release=DEBIAN,
        kernel=f"boot/vmlinuz-{DEBIAN}",
        initrds=(f"boot/initrd.img-{DEBIAN}",),
        modules=f"lib/modules/{DEBIAN}",
        config=f"boot/config-{DEBIAN}",
        system_map=f"boot/System.map-{DEBIAN}",
    )


def test_fedora_with_a_rescue_copy(root: Path, tree: Beneath) -> None:
    fill(
        root,
        {
            f"boot/vmlinuz-{FEDORA}": make.bzimage(FEDORA),
            f"boot/initramfs-{FEDORA}.img": make.initrd(FEDORA),
            "boot/vmlinuz-0-rescue-12ab": make.bzimage(FEDORA),
            f"usr/lib/modules/{FEDORA}/vmlinuz": make.bzimage(FEDORA),
            f"usr/lib/modules/{FEDORA}/config": make.config().encode(),
            "lib": "usr/lib",
        },
    )
    (found,) = installed_kernels(tree)
    assert found.kernel == f"boot/vmlinuz-{FEDORA}"
    assert found.initrds == (f"boot/initramfs-{FEDORA}.img",)
    assert found.config == f"lib/modules/{FEDORA}/config"


@pytest.mark.parametrize(
    ("kernel", "initrd"),
    [
        ("boot/vmlinuz-linux", "boot/initramfs-6.6.8.img"),
        ("lib/modules/6.6.8/vmlinuz", "boot/initrd-6.6.8"),
        ("boot/12ab34/6.6.8/linux", "boot/12ab34/6.6.8/initrd"),
        ("boot/Image-6.6.8", "boot/initrd-6.6.8.img"),
        ("boot/vmlinuz-6.6.8", "lib/modules/6.6.8/initrd"),
    ],
)
def test_other_places(root: Path, tree: Beneath, kernel: str, initrd: str) -> None:
    fill(root, {kernel: make.bzimage("6.6.8"), initrd: make.initrd("6.6.8")})
    (found,) = installed_kernels(tree)
    assert (found.release, found.kernel, found.initrds) == ("6.6.8", kernel, (initrd,))


def test_what_is_no_kernel_is_passed_over(root: Path, tree: Beneath) -> None:
    fill(
        root, {"boot/vmlinuz-notes": b"text", "boot/vmlinuz-dir/x": b"", "boot/x": b""}
    )
    os.mkfifo(root / "boot/vmlinuz-fifo")
    (root / "boot/vmlinuz-gone").symlink_to("/etc/nothing")
    (root / "boot/vmlinuz-host").symlink_to("/proc/self/exe")
    assert installed_kernels(tree) == []


def test_an_empty_tree(tree: Beneath) -> None:
    assert installed_kernels(tree) == []
    assert tree_arch(tree) is None


def test_taking_one_in(root: Path, tree: Beneath, tmp_path: Path) -> None:
    debian(root)
    store = ArtifactStore(tmp_path / "objects")
    gathered = gather_installed(store, root, DEBIAN, X86)
    kernel = gathered.kernel
    assert gathered.notes == ()
    assert kernel.origin.kind == "installed"
    assert kernel.origin.detail == {
        "release": DEBIAN,
        "kernel": f"/boot/vmlinuz-{DEBIAN}",
    }
    files = KernelFiles(
        kernel=root / f"boot/vmlinuz-{DEBIAN}",
        initrds=[root / f"boot/initrd.img-{DEBIAN}"],
        modules=root / "usr/lib/modules" / DEBIAN,
        system_map=root / f"boot/System.map-{DEBIAN}",
        config=root / f"boot/config-{DEBIAN}",
    )
    assert gather_files(store, files, X86).kernel.artifacts == kernel.artifacts


def test_a_release_that_is_not_there(root: Path, tree: Beneath, tmp_path: Path) -> None:
    debian(root)
    store = ArtifactStore(tmp_path / "objects")
    with pytest.raises(NotFound) as missing:
        gather_installed(store, root, "6.1.0-13-amd65", X86)
    assert DEBIAN in missing.value.hint


def test_a_kernel_that_is_another_than_its_name_says(
    root: Path, tree: Beneath, tmp_path: Path
) -> None:
    debian(root)
    (root / f"boot/vmlinuz-{DEBIAN}").write_bytes(make.bzimage("6.6.8"))
    store = ArtifactStore(tmp_path / "objects")
    with pytest.raises(Refused, match=r"6\.6\.8"):
        gather_installed(store, root, DEBIAN, X86)
    with pytest.raises(InvalidInput, match="the image is aarch64"):
        gather_installed(store, root, DEBIAN, Needs("aarch64"))
    assert list(store) == []


@pytest.mark.parametrize("name", ["boot", "lib", "usr/lib/modules"])
def test_nothing_outside_the_image_is_read(
    root: Path, tree: Beneath, tmp_path: Path, name: str
) -> None:
    host = tmp_path / "host"
    debian(host)
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(host / name)
    assert installed_kernels(tree) == []


@pytest.mark.parametrize("arch", ["x86_64", "aarch64", "ppc64le", "i386"])
def test_the_arch_of_the_programs(root: Path, tree: Beneath, arch: str) -> None:
    fill(
        root,
        {
            "usr/bin/awk": b"#!/bin/sh\n",
            "usr/bin/dash": make.elf("", arch),
            "usr/bin/sh": "dash",
            "bin": "usr/bin",
        },
    )
    assert tree_arch(tree) == arch


def test_the_arch_of_programs_without_a_shell(root: Path, tree: Beneath) -> None:
    fill(root, {"usr/bin/a": b"#!/bin/sh\n", "usr/bin/b": make.elf("", "ia64")})
    os.mkfifo(root / "usr/bin/aa")
    assert tree_arch(tree) == "ia64"


def test_the_arch_of_a_tree_with_a_kernel_only(root: Path, tree: Beneath) -> None:
    fill(root, {"boot/vmlinuz-6.6.8": make.raw_image("6.6.8")})
    assert tree_arch(tree) == "aarch64"
