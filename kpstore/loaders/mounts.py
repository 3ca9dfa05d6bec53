"""Where a loader's paths lie in a tree: loaders count from the root of a file system.

The tree's own fstab says what is mounted where (fstab(5)); where it doesn't tell, the
usual places are tried. A subvolume or dataset may lead a path, as btrfs and ZFS have
it: `/@/boot/vmlinuz`, `/ROOT/debian@/boot/vmlinuz`.
"""

import glob
import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kpstore.loaders.tree import Tree, on_fat

_ESPS: Final = ("/boot/efi", "/efi")
_USUAL: Final = ("/", "/boot", *_ESPS)
_FAT: Final = ("vfat", "msdos")
_VOLUME: Final = re.compile(
    r"/(?:@[^/]*(?:/\.snapshots/[0-9]+/snapshot)?|(?:[^/]+/)*[^/]*@)(?=/)"
)
_SUBVOLUME: Final = re.compile(r"(?:^|,)subvol=/?([^,]*)")
_OCTAL: Final = re.compile(r"\\([0-7]{3})")
_FIELDS: Final = 4
_DEEPEST: Final = 4096  # characters of a path that is looked up
_MOST: Final = 256  # rows of fstab


class FileSystem(NamedTuple):
    """A row of fstab: what it names (`UUID=…`, a device), and where it is mounted.

    `volume` is the part of it that is mounted there: `/@`, or nothing for all of it.
    `is_fat`: the case of letters means nothing there, to any loader.
    """

    spec: str
    mount: str
    volume: str = ""
    is_fat: bool = False


def file_systems(tree: Tree) -> tuple[FileSystem, ...]:
    """Read the tree's fstab; what is mounted deepest comes first."""
    lines = (tree.text("etc/fstab") or "").splitlines()[:_MOST]
    rows = (line.split() for line in lines if not line.lstrip().startswith("#"))
    found = [_row(row) for row in rows if len(row) >= _FIELDS and row[1][0] == "/"]
    return tuple(sorted(found, key=lambda each: len(each.mount), reverse=True))


def _row(fields: Sequence[str]) -> FileSystem:
    spec, mount, kind, options = (
        _OCTAL.sub(lambda found: chr(int(found[1], 8)), field)
        for field in fields[:_FIELDS]
    )
    subvolume = _SUBVOLUME.search(options)
    volume = "/" + subvolume[1].strip("/") if subvolume else ""
    place, is_fat = posixpath.normpath(mount), kind in _FAT
    return FileSystem(spec, place, volume.rstrip("/"), is_fat)


def holding(systems: Sequence[FileSystem], path: str) -> FileSystem | None:
    """Return the file system that a path of the tree lies on, if fstab has it."""
    path = posixpath.normpath("/" + path.lstrip("/"))
    return next((each for each in systems if _below(path, each.mount)), None)


def places(path: str, on: FileSystem | None = None) -> Iterator[str]:
    """Yield where in the tree a loader's path may lie, the surest first.

    `on` is the file system that the loader means, None where that isn't known.
    """
    if len(path) > _DEEPEST or not path.startswith("/"):
        return
    if on and on.volume and _below(path, on.volume):
        yield _joined(on.mount, path.removeprefix(on.volume))
    elif on:
        yield _joined(on.mount, path)
    for mount in _USUAL:
        yield _joined(mount, path)
    if volume := _VOLUME.match(path):
        yield from places(path[volume.end() :], on)


def find(tree: Tree, path: str, on: FileSystem | None = None) -> str | None:
    """Return the first of a path's places where the tree has a file or a folder."""
    exactly = (
        each for each in places(path, on) if tree.is_file(each) or tree.is_dir(each)
    )
    return next(exactly, None) or next(_on_fat(tree, path, on), None)


def _on_fat(tree: Tree, path: str, on: FileSystem | None) -> Iterator[str]:
    """Yield what a path means on a FAT file system, whatever its letters' case."""
    own = (on.mount,) if on and on.is_fat else ()
    parts = glob.escape("/".join(filter(None, path.split("/"))))
    if len(path) <= _DEEPEST and path.startswith("/") and parts:
        for mount in dict.fromkeys((*own, *_ESPS)):
            yield from on_fat(tree, mount.strip("/"), parts)


def _below(path: str, folder: str) -> bool:
    return folder in ("/", path) or path.startswith(f"{folder}/")


def _joined(mount: str, path: str) -> str:
    return posixpath.normpath(f"/{mount}/{path}").lstrip("/")
