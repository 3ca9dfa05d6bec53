"""An image tree, a store of artifacts and renderings for it, in a few lines."""

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kpstore.artifacts.store import ArtifactStore
from kpstore.disk.beneath import Beneath
from kpstore.formats import samples as make
from kpstore.formats.module_tar import Packing
from kpstore.targets.tree.layout import TreeRendering
from kpstore.targets.tree.target import TreeTarget
from kpstore.targets.values import Marker, ObjectFile
from support.sources import ROOT

SITE = "5" * 32
GRUB = "boot/grub/grub.cfg"
HEADER = b"# Written by kp; changes are overwritten\n"


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below `root`: path -> kind, mode and content."""
    return {str(path.relative_to(root)): _look(path) for path in root.rglob("*")}


def _look(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISLNK(found.st_mode):
        return "link", os.readlink(path)
    if stat.S_ISDIR(found.st_mode):
        return "directory", mode
    if stat.S_ISREG(found.st_mode):
        return "file", mode, path.read_bytes()
    return ("other", mode)


def fill(root: Path, files: Mapping[str, bytes | str]) -> None:
    """Write files, and links where the content is text, below `root`."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)


def sample(name: str) -> dict[str, bytes | str]:
    """Return the files of a sample tree, for `fill`; see fixtures/trees/README.md."""
    return _made(ROOT / "fixtures/trees" / name)


def whole_image(name: str) -> dict[str, bytes | str]:
    """Return the files of a tree with its loader's; see its README in fixtures."""
    folder = ROOT / "fixtures/trees/whole" / name
    return _made(folder / "tree") | {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path not in (folder / "tree", folder / "says.json")
    }


def _made(listed: Path) -> dict[str, bytes | str]:
    files: dict[str, bytes | str] = {}
    for line in listed.read_text("utf-8").splitlines():
        path, what, rest = (*line.split(" ", 2), "")[:3]
        if what == "modules":
            made = make.module_files(rest).items()
            files |= {f"{path}/{file}": data for file, data in made}
        elif path != "#":
            files[path] = rest if what == "->" else _CONTENT[what](rest)
    return files


def sample_releases(name: str) -> list[str]:
    """Return the releases that are installed in a sample tree, newest first."""
    first = (ROOT / "fixtures/trees" / name).read_text("utf-8").partition("\n")[0]
    return first.removeprefix("# release: ").split()


_CONTENT: Final[dict[str, Callable[[str], bytes]]] = {
    "kernel": make.bzimage,
    "initrd": make.initrd,
    "microcode": lambda _: make.microcode(),
    "config": lambda _: make.config().encode(),
    "map": lambda _: b"ffffffff B The real System.map is in the dbg package\n",
    "program": lambda arch: make.elf("", arch),
    "text": lambda text: f"{text}\n".encode(),
}


def s390_image(release: str) -> bytes:
    """Build an s390 boot image, whose kernel is packed inside without a pointer."""
    head = bytearray(0x11000)
    head[0x10008:0x1000E] = b"S390EP"
    return bytes(head) + make.COMPRESSORS["gzip"](make.elf(release, "s390x"))


@dataclass
class Kernel:
    """A made-up kernel in the store: its object and its modules."""

    object: ObjectFile
    modules: tuple[str, str, int] | None


class ImageRig:
    """A directory with an image tree, an artifact store, and a target on the tree."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.root = where / "image"
        self.store = ArtifactStore(where / "objects")

    def make(self) -> "ImageRig":
        """Make the tree as a distribution leaves it."""
        fill(
            self.root,
            {
                "boot/vmlinuz-6.1.0": b"distribution's kernel",
                "etc/hostname": b"image\n",
                "usr/lib/modules/6.1.0/modules.dep": b"",
                "usr/lib/modules/6.1.0/kernel/a.ko": b"distribution's module",
                "lib": "usr/lib",
            },
        )
        return self

    def target(self, *, replace: bool = False) -> TreeTarget:
        """The target on the tree."""
        return TreeTarget(
            self.root, "disk", SITE, "web", artifacts=self.store, replace=replace
        )

    def kernel(
        self, content: bytes, release: str = "", modules: Mapping[str, bytes] = {}
    ) -> Kernel:
        """Put a kernel, and modules of a release, into the store."""
        ref = self.store.add_stream([content])
        path = f"boot/kp/{ref.sha256[:12]}/vmlinuz"
        packed = self.pack(release, modules) if release else None
        return Kernel(ObjectFile(ref.sha256, ref.size, path), packed)

    def pack(self, release: str, modules: Mapping[str, bytes]) -> tuple[str, str, int]:
        """Put a module tree into the store."""
        place = (
            self.where / "packing" / hashlib.sha256(repr(modules).encode()).hexdigest()
        )
        if not (place / release).exists():
            fill(place / release, modules)
        with Beneath.open(place) as tree:
            ref = self.store.add_stream(Packing(tree, release).chunks())
        return release, ref.sha256, ref.size


def grub(revision: int, *kernels: Kernel, commit: str = "") -> TreeRendering:
    """What a grub.cfg that lists the kernels makes of a commit."""
    lines = [f"linux /{each.object.path} revision={revision}\n" for each in kernels]
    data = HEADER + "".join(lines).encode()
    return rendering(revision, {GRUB: data}, (GRUB,), *kernels)


def bls(revision: int, **kernels: Kernel) -> TreeRendering:
    """What loader.conf and an entry a kernel make of a commit; the first is default."""
    files = {
        f"boot/loader/entries/kp-{name}.conf": HEADER
        + f"linux /{kernel.object.path}\n".encode()
        for name, kernel in kernels.items()
    }
    first = next(iter(kernels))
    files["boot/loader/loader.conf"] = HEADER + f"default kp-{first}.conf\n".encode()
    return rendering(revision, files, ("boot/loader/loader.conf",), *kernels.values())


def rendering(
    revision: int, files: Mapping[str, bytes], switch: tuple[str, ...], *kernels: Kernel
) -> TreeRendering:
    """A rendering of revision `revision`, its commit made of that number."""
    marker = Marker(SITE, f"{revision:040x}", revision, {"images/web": f"{revision:x}"})
    modules = {each.modules: None for each in kernels if each.modules}
    objects = {each.object: None for each in kernels}
    return TreeRendering(marker, files, switch, tuple(objects), tuple(modules))


def publish(target: TreeTarget, what: TreeRendering) -> int:
    """Stage and switch."""
    return target.stage(what).switch()
