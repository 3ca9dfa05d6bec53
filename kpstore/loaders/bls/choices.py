"""What systemd-boot lists, in its order: boot loader entries and unified images.

Follows systemd's src/boot/boot.c (boot_entry_compare and what it sorts).
"""

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kpstore.errors import InvalidInput
from kpstore.formats.uki import UnifiedImage, read_unified
from kpstore.formats.versions import version_key
from kpstore.loaders.boot_entries import COUNTED, fields
from kpstore.loaders.listing import NO_DEVICE_TREES, Listed, initrds_in, tokens
from kpstore.loaders.tree import Tree, on_fat

_NOT_LISTED: Final = (".", "auto-")  # "auto-" are the loader's own
_STARTED: Final = ("linux", "uki", "efi", "uki-url")  # one of them, in an entry
_DEVICE_TREE: Final = ("devicetree", "devicetree-overlay")
_NOT_KEPT: Final = ("profile", "extra")
_TITLE: Final = ("PRETTY_NAME", "IMAGE_ID", "NAME", "ID")
_VERSION: Final = ("IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID")
_SORT_KEY: Final = ("IMAGE_ID", "ID")

_Said = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Choice:
    """One line of the menu; `path`: its file in the tree.

    `unkept` says what of it kp has no place for.
    """

    listed: Listed
    path: str
    sort_key: str = ""
    machine_id: str = ""
    version: str = ""
    unkept: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Return the file's name as the loader compares it."""
        return self.path.rpartition("/")[2].lower()

    @property
    def tries(self) -> tuple[int, int] | None:
        """Return the tries left and done; None where they aren't counted."""
        counted = COUNTED.search(self.file.rpartition(".")[0])
        return (int(counted[1]), int(counted[2] or 0)) if counted else None


class Choices:
    """What lies on some file systems, by their folders in the tree.

    `arch` is the EFI's word for the machine, empty where nobody knows it. `unread`
    says by path what is wrong with a file.
    """

    def __init__(self, tree: Tree, roots: Iterable[str], arch: str) -> None:
        self._tree = tree
        self._arch = arch
        self.unread: dict[str, str] = {}
        self.listed = in_order(
            [
                choice
                for root in roots
                for found in (self._entries(root), self._images(root))
                for choice in found
            ]
        )

    def _entries(self, root: str) -> Iterator[Choice]:
        """Yield the entries whose kernels are there; without any such, all of them."""
        srel = self._tree.text(f"{root}/loader/entries.srel")
        if srel is not None and srel.strip() != "type1":
            self.unread[f"{root}/loader/entries.srel"] = "entries of another kind"
            return
        read = (
            (path, fields(self._tree.text(path) or ""))
            for path in self._files(root, "loader/entries/*.conf")
        )
        found = [(path, said) for path, said in read if self._counts(said)]
        there = [each for each in found if self._program(root, each[1])[1]]
        for path, said in there or found:
            yield self._entry(root, path, said)

    def _counts(self, said: _Said) -> bool:
        """Tell an entry that starts one thing, on this machine."""
        archs = {each.lower() for each in said.get("architecture", ())}
        fits = not self._arch or archs <= {self._arch}
        return fits and len(said.keys() & {*_STARTED}) == 1

    def _program(self, root: str, said: _Said) -> tuple[str, str]:
        """Return where what is started lies, for the loader and in the tree."""
        path = _absolute(_last(said, *_STARTED[:-1]))
        found = self._found(root, path)
        return found.removeprefix(root) or path.rstrip("/"), found

    def _found(self, root: str, path: str) -> str:
        """Return where a path lies in the tree, whatever its letters' case."""
        parts = "/".join(filter(None, path.split("/")))
        return next(on_fat(self._tree, root, glob.escape(parts)), "") if parts else ""

    def _called(self, root: str, path: str) -> str:
        """Return a path of a file as its file system has it."""
        return self._found(root, path).removeprefix(root) or path

    def _entry(self, root: str, path: str, said: _Said) -> Choice:
        kernel, found = self._program(root, said)
        image = self._unified(found) if found else None
        line = " ".join(said.get("options", ())) or (image.cmdline if image else "")
        is_linux = image is not None or "linux" in said
        words = tokens(line)
        initrds = tuple(_absolute(each) for each in said.get("initrd", ()))
        if image is None:
            initrds = initrds or initrds_in(words)
        initrds = tuple(self._called(root, each) for each in initrds)
        return Choice(
            Listed(
                title=_last(said, "title"),
                ident=_ident(path),
                kernel=kernel if is_linux else "",
                initrds=initrds,
                words=words,
            ),
            path,
            _last(said, "sort-key"),
            _last(said, "machine-id"),
            _last(said, "version"),
            (
                *(f"{x}: {NO_DEVICE_TREES}" for x in _DEVICE_TREE if x in said),
                *_profiles(image),
                *(f"{x}, which is not read" for x in _NOT_KEPT if x in said),
            ),
        )

    def _images(self, root: str) -> Iterator[Choice]:
        for path in self._files(root, "EFI/Linux/*.efi"):
            image = self._unified(path, is_named=True)
            if image is None or not (title := _first(image.os, _TITLE)):
                continue
            kernel = path.removeprefix(root)
            yield Choice(
                Listed(title, _ident(path), kernel, words=tokens(image.cmdline)),
                path,
                _first(image.os, _SORT_KEY),
                version=_first(image.os, _VERSION),
                unkept=(*self._addons(root, path), *_profiles(image)),
            )

    def _addons(self, root: str, path: str) -> Iterator[str]:
        """Say what its stub adds to an image from beside it (systemd-stub(7))."""
        own = f"{glob.escape(path.removeprefix(f'{root}/'))}.extra.d/*"
        for pattern in (own, "loader/addons/*.addon.efi"):
            for found in on_fat(self._tree, root, pattern):
                yield f"{found.removeprefix(root)} adds to it, and is not read"

    def _files(self, root: str, pattern: str) -> Iterator[str]:
        for path in on_fat(self._tree, root, pattern):
            name = path.rpartition("/")[2].lower()
            if not name.startswith(_NOT_LISTED) and self._tree.is_file(path):
                yield path

    def _unified(self, path: str, *, is_named: bool = False) -> UnifiedImage | None:
        """Read a unified image; `is_named`: by its place it should be one."""
        try:
            image = read_unified(
                lambda at, most: self._tree.data(path, at, most) or b"",
                self._tree.size(path) or 0,
            )
        except InvalidInput as error:
            self.unread[path] = error.message
            return None
        if image is None and is_named:
            self.unread[path] = "it is no unified kernel image"
        return image


def in_order(found: Iterable[Choice]) -> list[Choice]:
    """Sort as systemd-boot does: those that have no tries left are last."""
    newest_first = sorted(found, key=_by_version, reverse=True)
    return sorted(newest_first, key=_by_key)


def _by_version(choice: Choice) -> tuple[Any, ...]:
    left, done = choice.tries or (0, 0)
    version = choice.version if choice.sort_key else ""
    return version_key(version), version_key(choice.file), left, -done


def _by_key(choice: Choice) -> tuple[bool, bool, str, str]:
    key = choice.sort_key
    is_bad = choice.tries is not None and choice.tries[0] == 0
    return is_bad, not key, key, choice.machine_id if key else ""


def _ident(path: str) -> str:
    """Return what a default names: the file without its ending and count of tries."""
    return COUNTED.sub("", path.rpartition("/")[2].rpartition(".")[0])


def _profiles(image: UnifiedImage | None) -> tuple[str, ...]:
    has_some = image is not None and image.has_profiles
    return ("its profiles but the first",) if has_some else ()


def _last(said: _Said, *keys: str) -> str:
    return next((said[key][-1] for key in keys if key in said), "")


def _first(values: Mapping[str, str], names: Iterable[str]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _absolute(path: str) -> str:
    return "/" + path.replace("\\", "/").lstrip("/")
