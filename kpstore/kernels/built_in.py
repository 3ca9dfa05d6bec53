"""What a kernel's own configuration says that it can't do with what comes along."""

from collections.abc import Iterator, Mapping
from typing import Final

from kpstore.formats.initrd import InitrdFacts

# init/initramfs.c, usr/Kconfig: what unpacks each
_UNPACKERS: Final = {
    "gzip": "RD_GZIP",
    "bzip2": "RD_BZIP2",
    "lzma": "RD_LZMA",
    "xz": "RD_XZ",
    "lzo": "RD_LZO",
    "lz4": "RD_LZ4",
    "zstd": "RD_ZSTD",
}
# The ways to a root: one option of each row has to be built in.
_DISK: Final = (
    ("BLK_DEV_SD", "BLK_DEV_NVME", "VIRTIO_BLK", "MMC_BLOCK", "XEN_BLKDEV_FRONTEND"),
    ("EXT4_FS", "XFS_FS", "BTRFS_FS", "EXT3_FS", "EXT2_FS", "F2FS_FS", "SQUASHFS"),
)
_NETWORK: Final = (
    ("ROOT_NFS", "CIFS_ROOT"),
    (
        *("E1000", "E1000E", "IGB", "IGC", "IXGBE", "I40E", "ICE", "TIGON3", "BNX2"),
        *("BNXT", "MLX4_EN", "MLX5_CORE", "R8169", "VIRTIO_NET", "XEN_NETDEV_FRONTEND"),
    ),
)
_NAMED: Final = 4


def lacks(
    options: Mapping[str, str], initrds: Mapping[str, InitrdFacts]
) -> Iterator[str]:
    """Say what the kernel can't unpack, or can't mount without an initrd.

    `options` is what `read_config` returns; where they don't tell, nothing is said.
    """
    if not initrds:
        yield from _without_initrd(options)
        return
    if any(unpacker in options for unpacker in _UNPACKERS.values()):
        for name, facts in initrds.items():
            for packed in dict.fromkeys(facts.segments):
                option = _UNPACKERS.get(packed)
                if option and option not in options:
                    yield (
                        f"initrd {name} is packed by {packed}, and the kernel can't "
                        f"unpack that: its config has no CONFIG_{option}"
                    )


def boots_bare(options: Mapping[str, str]) -> bool:
    """Tell whether, by its config, nothing keeps a kernel from a root of its own."""
    return bool(options) and not any(_without_initrd(options))


def _without_initrd(options: Mapping[str, str]) -> Iterator[str]:
    """Say that root is out of reach, where drivers for it are modules."""
    ways = (_DISK, _NETWORK)
    reached = any(all(_built_in(options, row) for row in way) for way in ways)
    if reached or options.get("INITRAMFS_SOURCE"):
        return
    modules = [
        option
        for way in ways
        for row in way
        if not _built_in(options, row)
        for option in row
        if options.get(option) == "m"
    ]
    if modules:
        more = len(modules) - _NAMED
        yield (
            "there is no initrd, and the kernel has the drivers for a root as modules: "
            f"{', '.join(f'CONFIG_{each}=m' for each in modules[:_NAMED])}"
            f"{f' and {more} more' if more > 0 else ''}"
        )


def _built_in(options: Mapping[str, str], row: tuple[str, ...]) -> bool:
    return any(options.get(option) == "y" for option in row)
