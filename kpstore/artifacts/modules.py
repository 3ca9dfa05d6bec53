"""A kernel's module tree, `lib/modules/<release>`: what is in it."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, NotFound
from kpstore.model.names import RELEASE

_MODULE = re.compile(r"([^/]+)\.ko(?:\.(?:gz|xz|zst|bz2))?")
_PACKED = re.compile(r"\.(?:xz|zst)$")
_LIST_LIMIT = 1 << 25  # bytes of modules.builtin; Debian's has 10 KiB


@dataclass(frozen=True)
class ModulesFacts:
    """What a module tree holds.

    `release`: the folder's name. `modules`: names as modprobe knows them, `-` as
    `_`. `builtin`: those that the kernel has in itself. `indexed`: depmod has run.
    """

    release: str
    modules: frozenset[str]
    builtin: frozenset[str]
    indexed: bool


def module_name(path: str) -> str | None:
    """Return the module's name for the path of a .ko file, packed or not."""
    match = _MODULE.fullmatch(path.rpartition("/")[2])
    return match[1].replace("-", "_") if match else None


def firmware_name(path: str) -> str:
    """Return a firmware file's name as drivers ask for it: not packed."""
    return _PACKED.sub("", path)


def read_modules(tree: Beneath, rel: str) -> ModulesFacts:
    """Read the tree `rel`, a folder named as its kernel's release.

    Raises NotFound without that folder, InvalidInput when it holds no module and
    no list of built-in ones, or has a name that no release has.
    """
    release = PurePosixPath(rel).name
    if not re.fullmatch(RELEASE, release):
        raise InvalidInput(
            f"{rel!r} is not named as a kernel release is",
            hint="give the folder that is named so: lib/modules/RELEASE",
        )
    if not tree.is_dir(rel):
        raise NotFound(
            f"no module tree {rel!r}",
            hint="give the folder of the release: lib/modules/RELEASE",
        )
    names = (module_name(found.path) for found in tree.walk(rel))
    modules = frozenset(name for name in names if name)
    builtin = _builtin(tree, f"{rel}/modules.builtin")
    if not modules and not builtin:
        raise InvalidInput(
            f"{rel} holds no modules",
            hint="give the folder of the release: lib/modules/RELEASE",
        )
    return ModulesFacts(release, modules, builtin, tree.is_file(f"{rel}/modules.dep"))


def read_firmware(tree: Beneath) -> frozenset[str]:
    """Return the firmware files that an image carries, named as drivers ask."""
    found: set[str] = set()
    for rel in ("lib/firmware", "usr/lib/firmware"):
        if tree.is_dir(rel):
            found.update(
                firmware_name(entry.path.removeprefix(f"{rel}/"))
                for entry in tree.walk(rel)
                if entry.kind != "directory"
            )
    return frozenset(found)


def _builtin(tree: Beneath, rel: str) -> frozenset[str]:
    """Read modules.builtin: one path of a .ko that is not a file, a line."""
    if not tree.is_file(rel):
        return frozenset()
    lines = tree.read(rel, _LIST_LIMIT).decode("utf-8", "replace").splitlines()
    return frozenset(name for line in lines if (name := module_name(line.strip())))
