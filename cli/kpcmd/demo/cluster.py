"""A make-believe cluster on disk: image trees, a TFTP root, kernels, a table of nodes.

Every file is what it claims to be to whoever reads its header; none of it boots. Equal
arguments give equal bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kpstore.formats import samples

OLD, NEW = "6.1.0-28", "6.12.9-1"
CARD = "e1000"  # the driver of the nodes' network cards
_GRUB = """\
set default=0
menuentry 'Linux {release}' {{
    linux /boot/vmlinuz-{release} root=/dev/sda1 ro panic=30
    initrd /boot/initrd.img-{release}
}}
"""


@dataclass(frozen=True)
class DemoImage:
    """An image of the cluster: its nodes are numbered from `first` to `last`."""

    name: str
    arch: str
    first: int
    last: int
    rack: str


IMAGES = (
    DemoImage("web", "x86_64", 1, 20, "rack1"),
    DemoImage("db", "x86_64", 21, 32, "rack2"),
    DemoImage("edge", "aarch64", 33, 40, "rack2"),
)


def make(folder: Path) -> None:
    """Lay the cluster out below a folder that is there."""
    (folder / "tftp").mkdir()
    for image in IMAGES:
        _tree(folder / "images" / image.name, image.arch)
    _kernel(folder / "kernels")
    (folder / "nodes.csv").write_text("\n".join(_table()) + "\n", "utf-8")


def mac(number: int) -> str:
    """Return the MAC of a node (of the range for local use)."""
    return f"02:00:00:00:00:{number:02x}"


def _table() -> Iterator[str]:
    yield "name,mac,ip,image,index,group"
    for image in IMAGES:
        for number in range(image.first, image.last + 1):
            index = number - image.first + 1
            yield (
                f"n{number:02},{mac(number)},10.0.0.{number},{image.name},"
                f"{index},{image.rack}"
            )


def grub(release: str) -> str:
    """Return a grub.cfg as a distribution writes it."""
    return _GRUB.format(release=release)


def _tree(root: Path, arch: str) -> None:
    """Make an image tree whose own loader boots its one kernel."""
    files = {
        "bin/sh": samples.elf(OLD, arch),
        f"boot/vmlinuz-{OLD}": _linux(OLD, arch),
        f"boot/initrd.img-{OLD}": samples.initrd(OLD, modules=(CARD,)),
        f"boot/config-{OLD}": samples.config().encode(),
        "boot/grub/grub.cfg": grub(OLD).encode(),
    }
    modules = samples.module_files(OLD, (CARD, "nfs"))
    files |= {f"lib/modules/{OLD}/{name}": data for name, data in modules.items()}
    _write(root, files)


def _kernel(root: Path) -> None:
    """Make the second kernel: whoever built its initrd forgot the network card."""
    files = {
        f"vmlinuz-{NEW}": _linux(NEW, "x86_64"),
        f"initrd.img-{NEW}": samples.initrd(NEW, modules=("virtio_net",)),
    }
    modules = samples.module_files(NEW, (CARD, "nfs", "virtio_net"))
    files |= {f"lib/modules/{NEW}/{name}": data for name, data in modules.items()}
    _write(root, files)


def _linux(release: str, arch: str) -> bytes:
    if arch == "aarch64":
        return samples.raw_image(release)
    return samples.bzimage(release, arch)


def _write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
