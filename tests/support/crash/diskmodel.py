"""A disk at the level of inodes, and what a power cut may leave of recent changes.

Strict mode is what POSIX promises and no more:
- file data and size are durable only after fsync(file) (fdatasync does for them,
  not for the mode); until then each write may be there, or not, or half, or as zeros;
- an entry (create, link, rename, unlink) is durable only after fsync(its directory);
- a rename within a directory and an exchange are atomic; a rename to another directory
  never loses the file, but may leave its old name until that directory is synced;
- a new file's mode and a link's text come with its inode.
Ordered mode is a journal: entries reach the disk in the order in which they were
made, and any fsync flushes all entries made before it; data is as in strict mode.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from support.crash.trees import Node, Tree

Mode = Literal["strict", "ordered"]


@dataclass
class Disk:
    """Directories and files by inode; `born` are the facts that never change."""

    root: int
    born: dict[int, Node]
    entries: dict[int, dict[str, int]] = field(default_factory=dict)
    data: dict[int, bytearray] = field(default_factory=dict)
    modes: dict[int, int] = field(default_factory=dict)
    _own: set[tuple[str, int]] = field(default_factory=set)

    def copy(self) -> "Disk":
        """A disk of its own; parts are copied when one of the two changes them."""
        self._own.clear()
        entries, data, modes = dict(self.entries), dict(self.data), dict(self.modes)
        return Disk(self.root, self.born, entries, data, modes)

    def directory(self, ino: int) -> dict[str, int]:
        """The entries of a directory, to be changed."""
        if ("entries", ino) not in self._own:
            self._own.add(("entries", ino))
            self.entries[ino] = dict(self.entries.get(ino, {}))
        return self.entries[ino]

    def file(self, ino: int) -> bytearray:
        """The bytes of a file, to be changed."""
        if ("data", ino) not in self._own:
            self._own.add(("data", ino))
            self.data[ino] = bytearray(self.content(ino))
        return self.data[ino]

    def content(self, ino: int) -> bytes:
        """A file's bytes or a link's text."""
        changed = self.data.get(ino)
        return self.born[ino].data if changed is None else bytes(changed)

    def tree(self) -> Tree:
        """What can be reached from the root."""
        found: Tree = {}
        self._collect(self.root, "", found)
        return found

    def _collect(self, ino: int, path: str, found: Tree) -> None:
        found[path] = self._node(ino)
        if found[path].kind == "dir":
            prefix = f"{path}/" if path else ""
            for name, child in sorted(self.entries.get(ino, {}).items()):
                self._collect(child, prefix + name, found)

    def _node(self, ino: int) -> Node:
        born = self.born[ino]
        mode = self.modes.get(ino, born.mode)
        data = self.content(ino)
        if mode == born.mode and data is born.data:
            return born
        return Node(born.kind, mode, born.mtime_ns, ino, data)


class Effect(Protocol):
    """A change of one part of a disk."""

    def apply(self, disk: Disk) -> None:
        """Do it."""


@dataclass(frozen=True)
class SetEntry:
    """A name in a directory leads to an inode, or is gone."""

    directory: int
    name: str
    ino: int | None

    def apply(self, disk: Disk) -> None:
        """Do it."""
        entries = disk.directory(self.directory)
        entries.pop(self.name, None)
        if self.ino is not None:
            entries[self.name] = self.ino


@dataclass(frozen=True)
class SetBytes:
    """Bytes of a file; what lies between its old end and `offset` becomes zeros."""

    ino: int
    offset: int
    data: bytes

    def apply(self, disk: Disk) -> None:
        """Do it."""
        file = disk.file(self.ino)
        file.extend(bytes(max(0, self.offset - len(file))))
        file[self.offset : self.offset + len(self.data)] = self.data


@dataclass(frozen=True)
class SetSize:
    """A file is cut, or grows by zeros."""

    ino: int
    size: int

    def apply(self, disk: Disk) -> None:
        """Do it."""
        file = disk.file(self.ino)
        del file[self.size :]
        file.extend(bytes(self.size - len(file)))


@dataclass(frozen=True)
class SetMode:
    """The permissions of an inode."""

    ino: int
    mode: int

    def apply(self, disk: Disk) -> None:
        """Do it."""
        disk.modes[self.ino] = self.mode


@dataclass(frozen=True)
class Change:
    """A change on its way to the disk.

    A power cut leaves one of `options`: nothing of it first, all of it last.
    A flush of part `floors` maps to leaves only the options from that index on.
    """

    options: tuple[tuple[Effect, ...], ...]
    floors: dict[Hashable, int]
    is_entry: bool = False


@dataclass(frozen=True)
class Flush:
    """These parts of the disk reach it; None: all parts."""

    parts: frozenset[Hashable] | None


@dataclass(frozen=True)
class Lost:
    """A sync of these parts failed: what it was to write may be lost for good.

    The kernel may forget that the pages were dirty, so a later sync that succeeds
    proves nothing about them. Entries are kept: a journal that can't be written
    stops the file system, so a later sync of the directory is to be believed.
    """

    parts: frozenset[Hashable] | None


Event = Change | Flush | Lost


def write(ino: int, offset: int, data: bytes) -> Change:
    """A write: nothing, its length only, its first half, or all of it."""
    half = SetBytes(ino, offset, data[: len(data) // 2])
    zeros = SetBytes(ino, offset, bytes(len(data)))
    full = SetBytes(ino, offset, data)
    return Change(((), (zeros,), (half,), (full,)), {("data", ino): 3})


def resize(ino: int, size: int) -> Change:
    """A truncation or an extension."""
    return Change(((), (SetSize(ino, size),)), {("data", ino): 1})


def chmod(ino: int, mode: int) -> Change:
    """A change of permissions."""
    return Change(((), (SetMode(ino, mode),)), {("facts", ino): 1})


def entries(changes: Iterable[SetEntry]) -> Change:
    """An atomic change of one or more entries: durable with any of them."""
    every = tuple(changes)
    floors: dict[Hashable, int] = {("dir", each.directory): 1 for each in every}
    return Change(((), every), floors, is_entry=True)


def move(gone: SetEntry, made: SetEntry) -> Change:
    """A rename to another directory: the old name may outlive the new one's birth."""
    floors: dict[Hashable, int] = {
        ("dir", made.directory): 1,
        ("dir", gone.directory): 2,
    }
    return Change(((), (made,), (made, gone)), floors, is_entry=True)


class Pending:
    """The changes made so far, each with the options that a power cut still has."""

    def __init__(self, start: Disk, mode: Mode) -> None:
        self._durable, self._mode = start.copy(), mode
        self._changes: list[Change] = []
        self._floors: list[int] = []

    def add(self, event: Event) -> None:
        """Take note of what happened next."""
        if isinstance(event, Change):
            self._changes.append(event)
            self._floors.append(0)
        elif isinstance(event, Lost):
            self._lose(event)
        else:
            self._flush(event)

    def _lose(self, lost: Lost) -> None:
        for index, change in enumerate(self._changes):
            hit = lost.parts is None or lost.parts & change.floors.keys()
            if hit and not change.is_entry:
                self._changes[index] = replace(change, floors={})

    def _flush(self, flush: Flush) -> None:
        for index, change in enumerate(self._changes):
            floor = self._floor(flush, change)
            self._floors[index] = max(self._floors[index], floor)
        self._compact()

    def _floor(self, flush: Flush, change: Change) -> int:
        journal = self._mode == "ordered" and change.is_entry
        if flush.parts is None or journal:
            return max(change.floors.values(), default=0)
        hit = [floor for part, floor in change.floors.items() if part in flush.parts]
        return max(hit, default=0)

    def _compact(self) -> None:
        """Settle leading durable changes; later ones may depend on earlier ones."""
        settled = 0
        for change, floor in zip(self._changes, self._floors, strict=True):
            if floor != len(change.options) - 1:
                break
            for effect in change.options[-1]:
                effect.apply(self._durable)
            settled += 1
        del self._changes[:settled], self._floors[:settled]

    @property
    def ranges(self) -> list[range]:
        """Of each change, the options that are left."""
        return [
            range(floor, len(change.options))
            for change, floor in zip(self._changes, self._floors, strict=True)
        ]

    @property
    def journalled(self) -> list[int]:
        """The indices of changes that must be applied as a prefix (ordered mode)."""
        if self._mode == "strict":
            return []
        return [i for i, change in enumerate(self._changes) if change.is_entry]

    def leave(self, choice: Iterable[int]) -> Disk:
        """The disk after a power cut that left these options."""
        disk = self._durable.copy()
        for effect in self._effects(choice):
            effect.apply(disk)
        return disk

    def _effects(self, choice: Iterable[int]) -> Iterator[Effect]:
        for change, option in zip(self._changes, choice, strict=True):
            yield from change.options[option]
