"""The story that `kp demo` tells: each step is a command as a person would type it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kpcmd.demo.boots import boot_all
from kpcmd.demo.cluster import IMAGES, NEW


class Command(NamedTuple):
    """A kp command; `expected` is its exit status."""

    words: Sequence[str]
    expected: int = 0


class Told(NamedTuple):
    """What the narrator says."""

    text: str


class Boots(NamedTuple):
    """The nodes of an image are switched off and on."""

    image: str


Step = Command | Told | Boots


def story(folder: Path) -> Iterator[Step]:
    """Yield the steps on a cluster that lies in `folder`."""
    yield from _beginning(folder)
    yield from _second_kernel(folder)
    yield from _way_back()


def _beginning(folder: Path) -> Iterator[Step]:
    yield Told("A new site. Nothing outside its directory and its targets is touched.")
    yield _kp("init", "--name", "demo")
    yield Told("Three images. Each tree's own loader says which kernel it boots.")
    for image in IMAGES:
        tree = str(folder / "images" / image.name)
        yield _kp("image", "add", image.name, "--tree", tree)
        yield _kp("entry", "set", image.name, "production", "--method", "mixed")
    yield Told("The TFTP root that all nodes boot from, and the trees themselves.")
    loaders = ("--loader", "pxelinux", "--loader", "grub", "--loader", "ipxe")
    tftp = str(folder / "tftp")
    yield _kp("target", "add", "boot1", "--kind", "tftp", "--root", tftp, *loaders)
    for image in IMAGES:
        yield _tree_target(folder, image.name)
    yield Told("Forty nodes in two racks. Rack 2 has its console on another port.")
    yield _kp("node", "import", str(folder / "nodes.csv"), "--format", "csv")
    yield _kp("group", "set", "rack2", "--add-param", "console=ttyS1,115200n8")
    yield Told("So far a draft. One commit, and all of it is live.")
    yield _kp("commit", "-m", "The cluster as it runs today")
    yield _kp("good", "--all", "-m", "running before kp")
    yield Boots("web")


def _tree_target(folder: Path, image: str) -> Command:
    tree = str(folder / "images" / image)
    words = ("target", "add", f"{image}-tree", "--kind", "image", "--root", tree)
    return _kp(*words, "--image", image, "--loader", "grub", "--replace")


def _second_kernel(folder: Path) -> Iterator[Step]:
    kernels = folder / "kernels"
    yield Told("A second kernel for web, from loose files. Its entry becomes default.")
    yield _kp(
        *("kernel", "add", "web", "--files", str(kernels / f"vmlinuz-{NEW}")),
        *("--initrd", str(kernels / f"initrd.img-{NEW}")),
        *("--modules", str(kernels / "lib/modules")),
    )
    yield _kp(
        *("entry", "add", "web", "next", "--like", "production", "--kernel", NEW),
        "--default",
    )
    yield Told("What would that do? These files, and these nodes.")
    yield _kp("plan")
    yield _kp("commit", "-m", f"web: kernel {NEW} for the new disks")
    yield Boots("web")


def _way_back() -> Iterator[Step]:
    yield Told("They don't come up. The way back: one command, one commit.")
    yield _kp("rollback", "web", "-m", "the nodes of web do not come up")
    yield Boots("web")
    yield Told("The bad kernel is remembered, whatever it will be called.")
    yield _kp("status")
    yield _kp("log", "-n", "4")


def _kp(*words: str) -> Command:
    return Command(words)


def boots(folder: Path, image: str) -> str:
    """Let the nodes of an image boot; say how it went."""
    found = next(each for each in IMAGES if each.name == image)
    numbers = range(found.first, found.last + 1)
    kernel, up, total = boot_all(folder / "tftp", numbers)
    return f"The nodes of {image} boot {kernel}: {up} of {total} come up."
