"""Where distributions put kernel and initrd: every row of the table, and real trees."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kpstore.artifacts.store import ArtifactStore
from kpstore.discovery.beside import initrds_beside, is_spare
from kpstore.discovery.image_tree import default_kernel
from kpstore.discovery.installed import Installed, installed_kernels
from kpstore.discovery.layouts import EARLY, LAYOUTS
from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.formats import samples as make
from kpstore.kernels.contract import Given
from kpstore.kernels.gather import Needs, gather
from kpstore.kernels.origins.files import Files
from kpstore.kernels.origins.installed import as_booted
from kpstore.model.documents import Arch
from support.imagetree import fill, s390_image
from support.loaderfiles import WRITTEN
from support.taking import gather_installed

R = "6.6.8-1"
MID = "0123456789abcdef0123456789abcdef"


class Real(NamedTuple):
    """What a distribution installs: a kernel and its initrd, of a release."""

    release: str
    kernel: str
    initrd: str
    arch: Arch = "x86_64"


def real(kernel: str, initrd: str, release: str, arch: Arch = "x86_64") -> Real:
    return Real(release, kernel.format(release), initrd.format(release), arch)


BOOT, MODULES = "boot/", "usr/lib/modules/{0}/"
REAL = {
    "debian": real("boot/vmlinuz-{0}", "boot/initrd.img-{0}", "6.1.0-18-amd64"),
    "debian ppc": real(
        "boot/vmlinux-{0}", "boot/initrd.img-{0}", "6.1.0-18-powerpc64le", "ppc64le"
    ),
    "debian arm": real(
        "boot/vmlinuz-{0}", "boot/initrd.img-{0}", "6.1.0-18-arm64", "aarch64"
    ),
    "debian s390": real(
        "boot/vmlinuz-{0}", "boot/initrd.img-{0}", "6.1.0-18-s390x", "s390x"
    ),
    "ubuntu": real("boot/vmlinuz-{0}", "boot/initrd.img-{0}", "5.15.0-91-generic"),
    "el8": real(
        "boot/vmlinuz-{0}", "boot/initramfs-{0}.img", "4.18.0-553.el8_10.x86_64"
    ),
    "el9 arm": real(
        "boot/vmlinuz-{0}",
        "boot/initramfs-{0}.img",
        "5.14.0-427.el9.aarch64",
        "aarch64",
    ),
    "el9 without a copy": real(
        MODULES + "vmlinuz", "boot/initramfs-{0}.img", "5.14.0-427.el9.x86_64"
    ),
    "el6": real("boot/vmlinuz-{0}", "boot/initrd-{0}.img", "2.6.32-754.el6.x86_64"),
    "amazon": real(
        "boot/vmlinuz-{0}", "boot/initramfs-{0}.img", "6.1.79-99.167.amzn2023.x86_64"
    ),
    "suse": real("boot/vmlinuz-{0}", "boot/initrd-{0}", "6.4.0-150600.21-default"),
    "suse s390": real(
        "boot/image-{0}", "boot/initrd-{0}", "6.4.0-150600.21-default", "s390x"
    ),
    "suse arm": real(
        "boot/Image-{0}", "boot/initrd-{0}", "6.4.0-150600.21-64kb", "aarch64"
    ),
    "suse ppc": real(
        "boot/vmlinux-{0}", "boot/initrd-{0}", "6.4.0-150600.21-default", "ppc64le"
    ),
    "tumbleweed arm": real(
        MODULES + "Image", "boot/initrd-{0}", "6.9.7-1-default", "aarch64"
    ),
    "arch": real("boot/vmlinuz-linux", "boot/initramfs-linux.img", "6.9.7-arch1-1"),
    "arch lts": real(
        "boot/vmlinuz-linux-lts", "boot/initramfs-linux-lts.img", "6.6.37-1-lts"
    ),
    "arch zen": real(
        "boot/vmlinuz-linux-zen", "boot/initramfs-linux-zen.img", "6.9.7-zen1-1-zen"
    ),
    "arch hardened": real(
        "boot/vmlinuz-linux-hardened",
        "boot/initramfs-linux-hardened.img",
        "6.8.12-hardened1-1-hardened",
    ),
    "manjaro": real(
        "boot/vmlinuz-6.6-x86_64", "boot/initramfs-6.6-x86_64.img", "6.6.37-1-MANJARO"
    ),
    "alpine": real("boot/vmlinuz-lts", "boot/initramfs-lts", "6.6.34-1-lts"),
    "alpine virt": real("boot/vmlinuz-virt", "boot/initramfs-virt", "6.6.34-1-virt"),
    "alpine arm": real(
        "boot/vmlinuz-lts", "boot/initramfs-lts", "6.6.34-1-lts", "aarch64"
    ),
    "genkernel 3": real(
        "boot/kernel-genkernel-x86_64-{0}",
        "boot/initramfs-genkernel-x86_64-{0}",
        "4.19.97-gentoo",
    ),
    "genkernel's initramfs alone": real(
        "boot/vmlinuz-{0}", "boot/initramfs-genkernel-x86_64-{0}", "4.19.97-gentoo"
    ),
    "genkernel 4": real(
        "boot/vmlinuz-{0}", "boot/initramfs-{0}.img", "6.1.67-gentoo-x86_64"
    ),
    "gentoo dist": real(
        "boot/kernel-{0}", "boot/initramfs-{0}.img", "6.6.30-gentoo-dist"
    ),
    "gentoo dist, as packaged": real(
        MODULES + "vmlinuz", MODULES + "initrd", "6.6.30-gentoo-dist"
    ),
    "void": real("boot/vmlinuz-{0}", "boot/initramfs-{0}.img", "6.6.37_1"),
    "slackware": real("boot/vmlinuz-generic-{0}", "boot/initrd.gz", "5.15.19"),
    "kernel-install": real(f"boot/{MID}/{{0}}/linux", f"boot/{MID}/{{0}}/initrd", R),
    "kernel-install, esp": real(f"efi/{MID}/{{0}}/linux", f"efi/{MID}/{{0}}/initrd", R),
    "kernel-install, both": real(
        f"boot/efi/{MID}/{{0}}/linux", f"boot/efi/{MID}/{{0}}/initrd", R
    ),
    "kernel-install, debian": real(
        "boot/efi/debian/{0}/linux", "boot/efi/debian/{0}/initrd.img-{0}", R
    ),
    "kernel-install, given": real(
        "efi/Default/{0}/linux", "efi/Default/{0}/initramfs-{0}.img", R
    ),
    "ostree": real(
        "boot/ostree/fedora-5e1a/vmlinuz-{0}",
        "boot/ostree/fedora-5e1a/initramfs-{0}.img",
        "6.8.5-301.fc40.x86_64",
    ),
    "bootc": real(
        MODULES + "vmlinuz", MODULES + "initramfs.img", "5.14.0-427.el9.x86_64"
    ),
    "links": real("vmlinuz", "initrd.img", "6.1.0-18-amd64"),
    "links in boot": real("boot/vmlinuz", "boot/initrd.img", "6.1.0-18-amd64"),
    "links, suse s390": real("boot/image", "boot/initrd", R, "s390x"),
}
KERNELS = {
    "x86_64": make.bzimage,
    "aarch64": make.zboot,
    "s390x": s390_image,
    "ppc64le": lambda release: make.elf(release, "ppc64le"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    fill(path, {"etc/os-release": b"", "lib": "usr/lib"})
    return path


@pytest.fixture
def tree(root: Path) -> Iterator[Beneath]:
    with Beneath.open(root) as opened:
        yield opened


def install(root: Path, what: Real) -> None:
    made = KERNELS[what.arch](what.release)
    fill(root, {what.kernel: made, what.initrd: make.initrd(what.release)})


def modules(root: Path, release: str) -> None:
    files = make.module_files(release).items()
    fill(root, {f"usr/lib/modules/{release}/{name}": data for name, data in files})


def beneath_lib(path: str) -> str:
    """Where a path of merged /usr is found first."""
    return path.removeprefix("usr/")


def only(tree: Beneath) -> Installed:
    (found,) = installed_kernels(tree)
    return found


@pytest.mark.parametrize("with_modules", [True, False])
@pytest.mark.parametrize("who", REAL)
def test_a_kernel_is_found_with_its_initrd(
    root: Path, tree: Beneath, who: str, with_modules: bool
) -> None:
    what = REAL[who]
    install(root, what)
    if with_modules:
        modules(root, what.release)
    assert only(tree) == Installed(
        what.release,
        beneath_lib(what.kernel),
        (beneath_lib(what.initrd),),
        f"lib/modules/{what.release}" if with_modules or "lib" in what.kernel else None,
    )


@pytest.mark.parametrize("who", REAL)
def test_a_kernel_without_its_initrd_is_said(
    root: Path, tree: Beneath, who: str
) -> None:
    what = REAL[who]
    install(root, what)
    (root / what.initrd).unlink()
    found = only(tree)
    assert (found.release, found.initrds) == (what.release, ())
    assert found.doubts == (
        f"no initrd of /{beneath_lib(what.kernel)} is found in the tree",
    )
    (root / what.initrd).write_bytes(b"")
    assert only(tree).doubts[1:] == (f"/{beneath_lib(what.initrd)} is empty",)


@pytest.mark.parametrize("who", REAL)
def test_a_kernel_given_by_its_file_comes_with_its_initrd(root: Path, who: str) -> None:
    what = REAL[who]
    install(root, what)
    modules(root, what.release)
    with Files().open(Given(str(root / what.kernel))) as parts:
        found = [Path(source.name).resolve() for source in parts.initrds]
        assert parts.modules
    assert found == [(root / what.initrd).resolve()]


@pytest.mark.parametrize("who", REAL)
def test_files_in_a_plain_folder_come_with_what_is_named_as_in_boot(
    tmp_path: Path, who: str
) -> None:
    what = REAL[who]
    kernel, initrd = (Path(path).name for path in (what.kernel, what.initrd))
    install(tmp_path, Real(what.release, kernel, initrd, what.arch))
    with Files().open(Given(str(tmp_path / kernel))) as parts:
        assert [source.name for source in parts.initrds] == [str(tmp_path / initrd)]


@pytest.mark.parametrize("loader", WRITTEN)
@pytest.mark.parametrize("who", REAL)
def test_what_a_loader_boots_of_it_is_taken_as_the_loader_has_it(
    root: Path, tree: Beneath, tmp_path: Path, who: str, loader: str
) -> None:
    what, line = REAL[who], "root=LABEL=root ro"
    install(root, what)
    modules(root, what.release)
    fill(
        root,
        {"boot/early.img": make.microcode(), "boot/vmlinuz-9.9": make.bzimage("9.9")},
    )
    initrds = ["boot/early.img", what.initrd]
    paths = [f"/{each}" for each in initrds]
    fill(root, WRITTEN[loader](f"/{what.kernel}", paths, line))
    found = default_kernel(tree).booted
    assert found
    assert (found.release, found.kernel) == (what.release, what.kernel)
    assert (list(found.initrds), " ".join(found.params)) == (initrds, line)
    with as_booted(root, found) as parts:
        taken = gather(ArtifactStore(tmp_path / "objects"), parts, Needs(what.arch))
    sizes = [each.size for each in taken.kernel.artifacts.initrd]
    assert sizes == [(root / each).stat().st_size for each in initrds]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda each: each.who)
def test_every_row_of_the_table_is_read(
    tmp_path: Path, layout: tuple[str, tuple[str, ...], tuple[str, ...], str]
) -> None:
    _, kernels, initrds, source = layout
    assert source
    filled = {"name": R, "token": MID, "release": R}
    for at, kernel in enumerate(each.format(**filled) for each in kernels):
        for name in (each.format(**filled) for each in initrds):
            assert name in initrds_beside(kernel.rpartition("/")[2], R)
            initrd = str(Path(kernel).parent / name)
            root = tmp_path / f"{at}{name}"
            install(root, Real(R, kernel, initrd))
            with Beneath.open(root) as tree:
                assert only(tree).kernel == kernel
                assert only(tree).initrds == (initrd,)


@pytest.mark.parametrize("early", EARLY)
def test_microcode_comes_first(root: Path, tree: Beneath, early: str) -> None:
    install(root, REAL["arch"])
    fill(root, {f"boot/{early}": make.microcode()})
    assert only(tree).initrds == (f"boot/{early}", "boot/initramfs-linux.img")


def test_microcode_alone_is_no_initrd(root: Path, tree: Beneath) -> None:
    fill(root, {"boot/vmlinuz-linux": make.bzimage(R)})
    fill(root, {"boot/amd-ucode.img": make.microcode()})
    assert only(tree).initrds == ()
    assert only(tree).doubts


def test_the_fallback_initrd_is_not_it(root: Path, tree: Beneath) -> None:
    install(root, REAL["arch"])
    (root / "boot/initramfs-linux.img").rename(
        root / "boot/initramfs-linux-fallback.img"
    )
    assert only(tree).initrds == ()


def test_flavours_are_kept_apart(root: Path, tree: Beneath) -> None:
    for who in ("arch", "arch lts", "arch zen", "alpine virt"):
        install(root, REAL[who])
    found = {each.release: each for each in installed_kernels(tree)}
    for who in ("arch", "arch lts", "arch zen", "alpine virt"):
        assert found[REAL[who].release].kernel == REAL[who].kernel
        assert found[REAL[who].release].initrds == (REAL[who].initrd,)


@pytest.mark.parametrize(
    "spare",
    [
        f"boot/vmlinuz-0-rescue-{MID}",
        f"boot/{MID}/0-rescue/linux",
        "boot/vmlinuz-9.9.9.old",
        "boot/vmlinuz-9.9.9.bak",
        "boot/vmlinuz-9.9.9~",
        "boot/vmlinuz-9.9.9.dpkg-new",
        "boot/vmlinuz-9.9.9.rpmsave",
    ],
)
@pytest.mark.parametrize("release", ["9.9.9", R])
def test_a_kernel_for_an_emergency_comes_last(
    root: Path, tree: Beneath, spare: str, release: str
) -> None:
    install(root, Real(R, f"boot/vmlinuz-{R}", f"boot/initrd.img-{R}"))
    fill(root, {spare: make.bzimage(release)})
    assert is_spare(spare)
    found = installed_kernels(tree)
    assert found[0].kernel == f"boot/vmlinuz-{R}"
    assert [each.is_spare for each in found] == [False, True][: len(found)]
    assert len(found) == (2 if release != R else 1)


def test_a_rescue_kernel_has_the_initrd_of_its_name(root: Path, tree: Beneath) -> None:
    rescue = f"0-rescue-{MID}"
    install(root, Real(R, f"boot/vmlinuz-{rescue}", f"boot/initramfs-{rescue}.img"))
    assert only(tree).initrds == (f"boot/initramfs-{rescue}.img",)
    assert only(tree).is_spare


@pytest.mark.parametrize("other", ["boot/vmlinux-{0}.gz", "boot/vmlinux-{0}"])
def test_one_kernel_packed_and_bare_is_the_packed_one(
    root: Path, tree: Beneath, other: str
) -> None:
    install(root, Real(R, f"boot/vmlinuz-{R}", f"boot/initrd-{R}"))
    bare = make.elf(R)
    packed = make.COMPRESSORS["gzip"](bare) if other.endswith(".gz") else bare
    fill(root, {other.format(R): packed})
    assert only(tree).kernel == f"boot/vmlinuz-{R}"


@pytest.mark.parametrize("who", ["kernel-install", "arch", "alpine", "ostree"])
def test_of_two_copies_the_one_with_its_initrd_counts(
    root: Path, tree: Beneath, who: str
) -> None:
    what = REAL[who]
    install(root, what)
    modules(root, what.release)
    fill(root, {f"lib/modules/{what.release}/vmlinuz": make.bzimage(what.release)})
    assert (only(tree).kernel, only(tree).initrds) == (what.kernel, (what.initrd,))


@pytest.mark.parametrize(
    ("kernel", "initrd"),
    [
        (f"boot/{MID}/{R}/linux", f"boot/{MID}/{R}/initrd"),
        (f"boot/vmlinuz-huge-{R}", ""),
    ],
)
@pytest.mark.parametrize("same", [True, False])
def test_another_kernel_of_the_same_release_is_said(
    root: Path, tree: Beneath, kernel: str, initrd: str, same: bool
) -> None:
    first = Real(R, f"boot/vmlinuz-{R}", f"boot/initrd.img-{R}")
    install(root, first)
    fill(root, {kernel: make.bzimage(R) + (b"" if same or initrd else b"more")})
    if initrd:
        content = b"#!/bin/sh\n" if same else b"#!/bin/other\n"
        fill(root, {initrd: make.initrd(R, content=content)})
    assert only(tree).kernel == first.kernel
    assert only(tree).doubts == (
        ()
        if same
        else (
            f"kernel {R} is taken to be /{first.kernel}: there is /{kernel} too, which "
            "is another",
        )
    )


def test_links_are_the_files_that_they_lead_to(root: Path, tree: Beneath) -> None:
    what = REAL["debian"]
    install(root, what)
    fill(root, {"vmlinuz": what.kernel, "initrd.img": what.initrd})
    fill(root, {"boot/initrd-" + what.release: Path(what.initrd).name})
    assert only(tree).kernel == what.kernel
    assert only(tree).doubts == ()


def test_several_initrds_that_could_be_meant_are_said(
    root: Path, tree: Beneath
) -> None:
    what = REAL["debian"]
    install(root, what)
    fill(root, {f"boot/initramfs-{what.release}.img": make.initrd(what.release)})
    assert only(tree).initrds == (what.initrd,)
    assert only(tree).doubts == (
        f"the initrd of /{what.kernel} is taken to be /{what.initrd}: "
        f"there is /boot/initramfs-{what.release}.img too",
    )


def test_doubts_reach_who_takes_it_in(root: Path, tmp_path: Path) -> None:
    what = REAL["alpine"]
    install(root, what)
    (root / what.initrd).unlink()
    store = ArtifactStore(tmp_path / "objects")
    taken = gather_installed(store, root, what.release, Needs("x86_64"))
    assert taken.notes == ("no initrd of /boot/vmlinuz-lts is found in the tree",)


def test_an_initrd_of_another_release_is_refused(root: Path, tmp_path: Path) -> None:
    """A package was upgraded, its initrd not made anew: the name can't tell."""
    install(root, REAL["arch"])
    (root / "boot/initramfs-linux.img").write_bytes(make.initrd("6.9.6-arch1-1"))
    store = ArtifactStore(tmp_path / "objects")
    with pytest.raises(Refused, match=r"modules of 6\.9\.6-arch1-1"):
        gather_installed(store, root, REAL["arch"].release, Needs("x86_64"))


def test_no_name_in_boot_takes_the_reader_out_of_the_tree(
    root: Path, tree: Beneath, tmp_path: Path
) -> None:
    (tmp_path / "initrd").write_bytes(make.initrd(R))
    for name in ("{x}", "[!", "*", "..", "a\nb", "\udcff", "x" * 200):
        fill(root, {f"boot/vmlinuz-{name}": make.bzimage(R)})
    assert {each.release for each in installed_kernels(tree)} == {R}
