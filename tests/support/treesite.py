"""A site whose only target is an image tree, with both loaders, to be copied.

Release 6.1 is installed in the tree by its distribution; kp placed the modules of 6.2
and 6.3. r5 made 6.3 the default; the newest known-good is r3's.
"""

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from kpstore.edits import entries, images, targets
from kpstore.picker import KernelPicker
from kpstore.site.settings import Settings, save
from support.cli import Result, run
from support.sites import (
    SmallSite,
    add_kernel,
    call_good,
    content,
    put_kernel,
)

GRUB, LOADER = "boot/grub/grub.cfg", "boot/loader/loader.conf"
HOME = "boot/kp"
TARGET, LIVE, FILES = f"{HOME}/TARGET", f"{HOME}/live", f"{HOME}/files"
ORIGINAL = b"# the distribution's own\n"


class TreeSite(SmallSite):
    """The places of such a site."""

    def save_paths(self) -> None:
        """Write kp.toml: there is no TFTP root."""
        save(self.root / "kp.toml", Settings({}, {"web": self.tree}))

    def make_roots(self) -> None:
        """Make a tree as a distribution leaves it: a kernel, modules, a grub.cfg."""
        modules = self.tree / "lib/modules/6.1"
        (modules / "kernel").mkdir(parents=True)
        (modules / "kernel/a.ko").write_bytes(content("module", "6.1"))
        (modules / "modules.dep").write_bytes(b"kernel/a.ko:\n")
        (self.tree / "boot/grub").mkdir(parents=True)
        (self.tree / GRUB).write_bytes(ORIGINAL)

    def kp(self, *argv: str) -> Result:
        """Run `kp argv`."""
        return run(self.root, *argv)

    def ok(self, *argv: str, expected: int = 0) -> Result:
        """Run a command that must end with the expected exit status."""
        result = self.kp(*argv)
        assert result.status == expected, (argv, result)
        return result

    def places(self) -> Iterator[str]:
        """Yield each file, link and folder that kp keeps in the tree."""
        loaders = {GRUB, LOADER}
        loaders |= {str(p) for p in self._below("boot/loader/entries")}
        modules = ("lib/modules/6.2", "lib/modules/6.3")
        yield from sorted({HOME, *modules, *loaders})
        for top in (HOME, *modules):
            yield from sorted(str(path) for path in self._below(top))

    def _below(self, top: str) -> list[Path]:
        return [p.relative_to(self.tree) for p in (self.tree / top).rglob("*")]


def lay_out(picker: KernelPicker, loaders: tuple[str, ...] = ("grub", "bls")) -> None:
    """Put in the image, its first kernels and the target (r2)."""
    with picker.edit("first day") as edit:
        state = edit.state
        images.add(state, "web", {"arch": "x86_64", "params": ("root=/dev/sda1",)})
        for release in ("6.1", "6.2"):
            put_kernel(state, "web", add_kernel(picker, release, modules=True))
            mixed = {"kernel": release, "method": "mixed", "params": ("quiet",)}
            entries.add(state, "web", f"k{release}", mixed, default=release == "6.2")
        options = {"kind": "image", "loaders": loaders, "image": "web"}
        targets.add(state, "disk", {**options, "options": {"replace": True}})


def another_kernel(picker: KernelPicker) -> None:
    """Make 6.3 the default."""
    with picker.edit("another kernel") as edit:
        put_kernel(edit.state, "web", add_kernel(picker, "6.3", modules=True))
        mixed = {"kernel": "6.3", "method": "mixed", "params": ("quiet",)}
        entries.add(edit.state, "web", "k6.3", mixed, default=True)


@lru_cache
def template(base: Path) -> TreeSite:
    """Return the site that tests copy: made once a process, in a folder below."""
    site = TreeSite(base / "kp-tree-site")
    site.where.mkdir()
    picker = site.create()
    lay_out(picker)
    call_good(picker)
    another_kernel(picker)
    return site


def copy(made: TreeSite, where: Path) -> TreeSite:
    """Copy a whole site to another place; kp.toml follows it."""
    shutil.copytree(made.where, where, symlinks=True)
    copied = TreeSite(where)
    copied.save_paths()
    return copied
