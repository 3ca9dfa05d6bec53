"""What of a module tree, `lib/modules/<release>`, belongs to its release.

Links that stay in the tree are links. Those that leave it are followed within the
image, where they mean modules: `kernel` in another folder, `weak-updates` and
`extramodules`. Nothing else outside is taken, whatever a link says.
"""

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.tree import Found
from kpstore.errors import Refused
from kpstore.formats.compression import sniff

# The kernel's source tree on the machine that built it: nothing that a node has.
_BUILD_LINKS: Final = frozenset({"build", "source"})
_ELF: Final = b"\x7fELF"
_HEAD: Final = 8  # bytes
_MODULE: Final = re.compile(r"([^/]+)\.ko(?:\.(?:gz|xz|zst|bz2))?")


@dataclass(frozen=True)
class Located:
    """One of the tree's: `name` below the release's folder, `path` where it lies."""

    name: str
    path: str
    kind: str  # file, directory or link
    size: int = 0  # bytes


class ModuleSurvey:
    """A module tree looked at.

    `found`: what belongs to it, parents first. `dropped`: links that lead to nothing
    that does. `followed`: whether any of it lies elsewhere.
    """

    def __init__(self, tree: Beneath, rel: str, *, follow: bool = True) -> None:
        """Walk the folder `rel`; Refused if it holds a FIFO, device or socket."""
        self._tree = tree
        self._follow = follow
        self.dropped: tuple[str, ...] = ()
        self.followed = False
        top, found = rel.rstrip("/"), list[Located]()
        for each in tree.walk(top):
            found += self._own(each, each.path.removeprefix(f"{top}/"))
        self.found = sorted(found, key=lambda each: each.name.split("/"))

    def _own(self, found: Found, name: str) -> Iterator[Located]:
        if found.kind == "other":
            raise Refused(
                f"{found.path} is no file, directory or link",
                hint="remove it: no module is one",
            )
        if found.kind != "link":
            yield Located(name, found.path, found.kind, found.size)
        elif name not in _BUILD_LINKS:
            target = self._tree.readlink(found.path)
            if stays_inside(name, target):
                yield Located(name, found.path, "link")
            elif elsewhere := [*self._elsewhere(found.path, name)]:
                self.followed = True
                yield from elsewhere
            else:
                self.dropped += (f"{found.path} -> {target}",)

    def _elsewhere(self, path: str, name: str) -> Iterator[Located]:
        """Yield the modules that a link leads to, and the folders that they need."""
        if not self._follow:
            return
        if not self._tree.is_dir(path):
            yield from self._module(path, name)
            return
        folders = set[str]()
        for each in self._tree.walk(path):
            below = name + each.path.removeprefix(path)
            for module in self._module(each.path, below):
                missing = {*_parents(below, name)} - folders
                folders |= missing
                yield from (Located(each, path, "directory") for each in missing)
                yield module

    def _module(self, path: str, name: str) -> Iterator[Located]:
        if module_name(name) and self._tree.is_file(path):
            with self._tree.open_read(path) as file:
                head, size = file.read(_HEAD), os.fstat(file.fileno()).st_size
            if head.startswith(_ELF) or sniff(head):  # not /etc/shadow by a .ko's name
                yield Located(name, path, "file", size)


def module_name(path: str) -> str | None:
    """Return the module's name for the path of a .ko file, packed or not."""
    match = _MODULE.fullmatch(path.rpartition("/")[2])
    return match[1].replace("-", "_") if match else None


def stays_inside(name: str, target: str) -> bool:
    """Tell whether a link's text, taken from its place, leads below the folder."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    outside = place in {".", ".."} or place.startswith(("../", "/"))
    return bool(target) and not outside


def _parents(name: str, top: str) -> Iterator[str]:
    while len(name := posixpath.dirname(name)) >= len(top):
        yield name
