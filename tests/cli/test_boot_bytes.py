"""Bytes that can't boot are refused or named, whichever way they come in."""

import lzma
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from kpstore.formats import samples as make
from support.cli import Cluster, Result, copy, run, template
from support.imagetree import fill

R = "6.1.0-9-amd64"
KERNEL, INITRD, MODULES = f"boot/vmlinuz-{R}", f"boot/initrd.img-{R}", "lib/modules"
CONFIG = f"boot/config-{R}"
WAYS = ("files", "tree", "installed")
CPIO = make.cpio({f"lib/modules/{R}": None, "init": b"x"})
REAL = make.bzimage(R, payload=make.COMPRESSORS["gzip"](make.elf(R)))
TREE = f"{MODULES}/{R}"
# No `kernel` in the tree's own folder; its modules are in opt.
LINKED: dict[str, bytes | str | None] = {
    f"{TREE}/kernel/{name}.ko": None for name in ("e1000", "nfs")
} | {f"opt/kernel/{name}.ko": make.module(R) for name in ("e1000", "nfs")}


@dataclass(frozen=True)
class Shape:
    """Files that differ from a good tree's (None: not there), and what kp says."""

    says: str
    status: int = 1
    files: Mapping[str, bytes | str | None] = field(default_factory=dict)


SHAPES: dict[str, Shape] = {
    "good": Shape("", 0),
    "kernel cut in its payload": Shape("cut off", files={KERNEL: REAL[:-9]}),
    "kernel with its payload": Shape("", 0, {KERNEL: REAL}),
    "a packed bzImage": Shape(
        "packed once more, by gzip", files={KERNEL: make.COMPRESSORS["gzip"](REAL)}
    ),
    "a unified kernel image": Shape(
        "objcopy -O binary -j .linux", files={KERNEL: make.unified(R)}
    ),
    "an amd64 kernel for an i386 image": Shape(
        "is for x86_64, the image i386", 0, {"usr/bin/sh": make.elf("", "i386")}
    ),
    "initrd of nothing": Shape(
        "unpacks to nothing", files={INITRD: make.COMPRESSORS["gzip"](b"")}
    ),
    "initrd of zeros": Shape("unpacks to nothing", files={INITRD: bytes(4096)}),
    "initrd in a modern lz4 frame": Shape(
        "lz4 -l", files={INITRD: b"\x04\x22\x4d\x18" + bytes(99)}
    ),
    "initrd in xz with CRC64": Shape(
        "xz --check=crc32", files={INITRD: lzma.compress(CPIO)}
    ),
    "plain archive at an odd place": Shape(
        "where Linux finds none", files={INITRD: CPIO + bytes(5) + CPIO}
    ),
    "initrd in legacy lz4": Shape("", 0, {INITRD: make.lz4(CPIO)}),
    "zeros before the first archive": Shape("", 0, {INITRD: bytes(512) + CPIO}),
    "initrd without modules": Shape(
        "carries no modules", 0, {INITRD: make.initrd(None)}
    ),
    **{
        f"kernel is a link to {where}": Shape("", 0, LINKED | {f"{TREE}/kernel": where})
        for where in ("../../../opt/kernel", "/opt/kernel")
    },
    "kernel leads nowhere": Shape(
        "kernel -> ../../../../opt/none leads to none in the image",
        files=LINKED | {f"{TREE}/kernel": "../../../../opt/none"},
    ),
    "weak-updates": Shape(
        "",
        0,
        {
            f"{TREE}/weak-updates/a.ko": "/lib/modules/5.0/extra/a.ko",
            "lib/modules/5.0/extra/a.ko": make.module(R),
        },
    ),
    "extramodules": Shape(
        "",
        0,
        {
            f"{TREE}/extramodules": "../extramodules-6.1",
            "lib/modules/extramodules-6.1/a.ko": make.module(R),
        },
    ),
    "one link leads nowhere": Shape(
        "left out of the modules: lib/modules", 0, {f"{TREE}/a.ko": "/none/a.ko"}
    ),
    "a link to what is no module": Shape(
        "left out of the modules: lib/modules", 0, {f"{TREE}/a.ko": "/etc/shadow"}
    ),
    "modules built for another kernel": Shape(
        "extra/a.ko (5.10.0), extra/b.ko.xz (5.11.0)",
        0,
        {
            f"{TREE}/extra/a.ko": make.module("5.10.0"),
            f"{TREE}/extra/b.ko.xz": make.COMPRESSORS["xz"](make.module("5.11.0")),
        },
    ),
    "weak-updates built for another kernel": Shape(
        "", 0, {f"{TREE}/weak-updates/a.ko": make.module("5.10.0")}
    ),
    **{
        f"a module that {what}": Shape(
            f"don't tell what kernel they were built for: {name}",
            0,
            {f"{TREE}/{name}": data},
        )
        for what, name, data in (
            ("says nothing", "a.ko", b"\x7fELF" + bytes(99)),
            ("is cut", "a.ko.xz", make.COMPRESSORS["xz"](make.module(R))[:-40]),
        )
    },
    "an initrd that the config can't unpack": Shape(
        "its config has no CONFIG_RD_ZSTD",
        0,
        {
            CONFIG: b"CONFIG_BLK_DEV_INITRD=y\nCONFIG_RD_GZIP=y\n",
            INITRD: make.initrd(R, "zstd"),
        },
    ),
    "an initrd that the config can unpack": Shape(
        "",
        0,
        {CONFIG: b"CONFIG_RD_ZSTD=y\n", INITRD: make.initrd(R, "zstd", early=True)},
    ),
    "a config that says nothing of initrds": Shape(
        "", 0, {CONFIG: b"CONFIG_SMP=y\n", INITRD: make.initrd(R, "zstd")}
    ),
    **{
        f"no initrd and {what}": Shape(says, 0, {INITRD: None, CONFIG: config})
        for what, says, config in (
            (
                "drivers of disks as modules",
                "drivers for a root as modules: CONFIG_BLK_DEV_SD=m, CONFIG_VIRTIO",
                b"CONFIG_BLK_DEV_SD=m\nCONFIG_VIRTIO_BLK=m\nCONFIG_EXT4_FS=y\n",
            ),
            (
                "file systems as modules",
                "CONFIG_EXT4_FS=m",
                b"CONFIG_BLK_DEV_SD=y\nCONFIG_EXT4_FS=m\nCONFIG_ROOT_NFS=y\n",
            ),
            (
                "network cards as modules",
                "CONFIG_E1000E=m",
                b"CONFIG_ROOT_NFS=y\nCONFIG_E1000E=m\n",
            ),
            ("a disk within reach", "", b"CONFIG_BLK_DEV_SD=y\nCONFIG_XFS_FS=y\n"),
            (
                "NFS within reach",
                "",
                b"CONFIG_ROOT_NFS=y\nCONFIG_IGB=y\nCONFIG_ICE=m\n",
            ),
            ("one built in", "", b'CONFIG_INITRAMFS_SOURCE="/x"\nCONFIG_XFS_FS=m\n'),
            ("drivers that kp doesn't know", "", b"CONFIG_SMP=y\n"),
        )
    },
    "a tree without modules": Shape(
        "holds no modules",
        files={**dict.fromkeys(LINKED), f"{TREE}/modules.builtin": None},
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster, and an image `own` whose tree is filled for each case."""
    where = tmp_path_factory.mktemp("bytes") / "cluster"
    made = copy(template(tmp_path_factory.getbasetemp()), where)
    (where / "own").mkdir()
    tree = str(where / "own")
    for image, arch in (("own", "x86_64"), ("old", "i386")):
        made.kp("image", "add", image, "--arch", arch, "--tree", tree, "-m", image)
    return made


IN_A_TREE = {
    "a unified kernel image": Shape(
        "is a unified kernel image: its kernel and initrds are taken out",
        0,
        {KERNEL: make.unified(R)},
    )
}


def good() -> dict[str, bytes | str | None]:
    modules = make.module_files(R).items()
    return {
        "etc/shadow": b"root:!:1::::::",
        "usr/bin/sh": make.elf("", "x86_64"),
        KERNEL: make.bzimage(R),
        INITRD: make.initrd(R),
        **{f"{MODULES}/{R}/{name}": data for name, data in modules},
    }


def take(
    made: Cluster, name: str, way: str, files: Mapping[str, bytes | str | None]
) -> Result:
    """Fill the tree and take its kernel in, as a dry run."""
    tree = made.where / "own"
    for each in tree.iterdir():
        shutil.rmtree(each)
    fill(tree, {name: data for name, data in files.items() if data is not None})
    image = "old" if "i386" in name else "own"
    commands = {
        "files": ["kernel", "add", image, "--files", str(tree / KERNEL)],
        "tree": ["image", "add", "new", "--tree", str(tree)],
        "installed": ["kernel", "add", image, "--installed", R],
    }
    return run(made.site, *commands[way], "-n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SHAPES)
def test_bytes_that_can_not_boot_are_told(made: Cluster, name: str, way: str) -> None:
    shape = IN_A_TREE.get(name, SHAPES[name]) if way == "tree" else SHAPES[name]
    found = take(made, name, way, good() | dict(shape.files))
    assert found.status == shape.status, found
    assert shape.says in found.err
    assert ("warning" in found.err) == (bool(shape.says) and not shape.status)
    assert "--help has examples" not in found.err
