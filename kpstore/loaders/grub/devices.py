"""The file systems of the machine that a tree is for, as its GRUB would name them.

What GRUB calls `(hd0,gpt2)` a tree can't tell. Here a device is named after where its
file system is mounted: `(/boot)/vmlinuz` lies in the tree at boot/vmlinuz. Any other
name is a device that isn't known, and its files are looked for in the usual places.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from kpstore.loaders.grub.budget import BYTES_A_STEP, LOOK, Budget
from kpstore.loaders.mounts import FileSystem, file_systems, find, holding
from kpstore.loaders.tree import Tree

_DEVICE: Final = re.compile(r"\(([^)]*)\)(.*)", re.DOTALL)
_UNKNOWN: Final = "disk"
_USUAL: Final = tuple(FileSystem("", at) for at in ("/", "/boot", "/boot/efi", "/efi"))


class Devices:
    """What a tree has of the disks."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._rows = file_systems(tree)
        self._named = {each.mount: each for each in (*_USUAL, *self._rows)}

    def home(self, folder: str) -> tuple[str, str]:
        """Return the device that a folder of the tree lies on, and its path there."""
        path = f"/{folder}"
        on = holding(self._rows, path)
        if on is None:
            return _UNKNOWN, path
        below = posixpath.relpath(path, on.mount)
        return on.mount, f"{on.volume}/{below}"

    def find(self, path: str, root: str) -> str | None:
        """Return where in the tree a path of GRUB's leads; `root` is its `$root`."""
        device, rest = split(path)
        return find(self.tree, rest, self._named.get(device or root))

    def with_file(self, path: str) -> str | None:
        """Return the first device that has a file."""
        for each in (*self._rows, *_USUAL):
            place = posixpath.normpath(f"{each.mount}/{path.removeprefix(each.volume)}")
            if path.startswith("/") and self.tree.is_file(place):
                return each.mount
        return None

    def called(self, kind: str, name: str) -> str:
        """Return the device whose file system has this `UUID` or `LABEL`.

        One that fstab doesn't tell of is there all the same, and keeps that name.
        """
        wanted = f"{kind}={name}".lower()
        return next((each.mount for each in self._specs(wanted)), wanted)

    def is_another_s(self, device: str) -> bool:
        """Tell a file system that fstab doesn't name, though it names /boot's so."""
        own = holding(self._rows, "/boot/kernel")
        kind, is_name, _ = device.partition("=")
        if own is None or not is_name:
            return False
        return own.spec.lower().startswith(f"{kind}=")

    def _specs(self, wanted: str) -> Iterator[FileSystem]:
        for each in self._rows:
            spec = re.sub(r"^/dev/disk/by-(uuid|label)/", r"\1=", each.spec)
            if spec.replace('"', "").lower() == wanted:
                yield each


def split(path: str) -> tuple[str, str]:
    """Split a path into its device, or nothing, and what comes after it."""
    found = _DEVICE.fullmatch(path)
    return (found[1], found[2]) if found else ("", path)


class DeviceFiles:
    """DeviceFiles by GRUB's paths, with its `$root` as it is."""

    def __init__(self, devices: Devices, root: str, budget: Budget) -> None:
        self._devices = devices
        self._root = root
        self._budget = budget
        self.tree = devices.tree

    def place(self, path: str) -> str | None:
        """Return where in the tree a path leads."""
        self._budget.spend(LOOK)
        return self._devices.find(path, self._root)

    def device_with(self, path: str) -> str | None:
        """Return the first device that has a file."""
        self._budget.spend(LOOK)
        return self._devices.with_file(path)

    def is_file(self, path: str) -> bool:
        """Tell whether there is a file."""
        place = self.place(path.rstrip("/"))
        return place is not None and self.tree.is_file(place)

    def is_dir(self, path: str) -> bool:
        """Tell whether there is a folder; a device alone is one."""
        if not split(path)[1].strip("/"):
            return True
        place = self.place(path.rstrip("/"))
        return place is not None and self.tree.is_dir(place)

    def size(self, path: str) -> int:
        """Return a file's bytes, 0 without one."""
        place = self.place(path)
        return (self.tree.size(place) or 0) if place else 0

    def text(self, path: str) -> str | None:
        """Read a file, None without one."""
        place = self.place(path)
        text = self.tree.text(place) if place else None
        self._budget.spend(len(text or "") // BYTES_A_STEP)
        return text

    def data(self, path: str) -> bytes | None:
        """Read a file's bytes, None without one."""
        place = self.place(path)
        data = self.tree.data(place) if place else None
        self._budget.spend(len(data or b"") // BYTES_A_STEP)
        return data
