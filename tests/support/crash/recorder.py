"""Record what a traced script does to the disk, at the level of inodes.

What a call did is read from the files themselves once it has returned (which inode a
name leads to now, which bytes a write left), so hard links, O_TMPFILE, exchange,
copy_file_range and FICLONE need no interpretation of their own.
A change that this can't see in order (a shared writable map of a file, io_uring, a
rename across the border of the directory) ends the recording with NotModelledError.
"""

import errno
import os
import stat
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

from support.crash import diskmodel as model
from support.crash.child import SharedLog
from support.crash.faults import short
from support.crash.syscalls import FICLONE, Call
from support.crash.tracer import PROCEED, Answer, Proceed, Verdict
from support.crash.trees import KINDS, Node, Tree

_RENAME_EXCHANGE = 2
_FALLOC_KEEP_SIZE = 1
_IGNORED = {"owner", "times"}
_ADVICE = "sync_file_range"  # promises nothing; an error comes again at the fsync


class NotModelledError(AssertionError):
    """The script does something that the power-loss model can't represent."""


@dataclass(frozen=True)
class Step:
    """An event, the acks given before it, and the call in words."""

    event: model.Event
    acks: int
    text: str


def disk_of(tree: Tree) -> model.Disk:
    """The model of a directory that is durable as it is."""
    disk = model.Disk(tree[""].ino, {node.ino: node for node in tree.values()})
    for path, node in tree.items():
        if node.kind == "dir":
            disk.entries.setdefault(node.ino, {})
        if path:
            parent, _, name = path.rpartition("/")
            disk.entries[tree[parent].ino][name] = node.ino
    return disk


@dataclass
class Recorder:
    """A visitor that fills `steps`; `disk` is the start, and learns new inodes."""

    root: Path
    disk: model.Disk
    acks: SharedLog
    steps: list[Step] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    failing_sync: int | None = None  # this one, counted from 0, fails with EIO
    syncs: int = 0
    _before: dict[int, "_Before"] = field(default_factory=dict)
    _numbers: dict[int, int] = field(default_factory=dict)

    def enter(self, call: Call) -> Verdict:
        """Watch a call that touches the directory."""
        if call.spec.family in _IGNORED or not self._touches(call):
            return PROCEED
        if call.spec.family == "sync" and call.spec.name != _ADVICE:
            self.syncs += 1
            if self.syncs - 1 == self.failing_sync:
                return self._fail(call)
        paths = [call.operand(which) for which in call.spec.paths]
        names = [_Name.of(path, call.spec.family == "open") for path in paths]
        self._before[call.pid] = _Before(len(self.acks), names, self._text(call))
        return Proceed(watch=True)

    def _fail(self, call: Call) -> Verdict:
        lost = model.Lost(self._synced(call))
        self.steps.append(Step(lost, len(self.acks), self._text(call)))
        return Answer(-errno.EIO)

    def leave(self, call: Call, result: int) -> None:
        """Turn a call that succeeded into events."""
        before = self._before.pop(call.pid)
        if result < 0:
            return
        for event in _READERS[call.spec.family](self, call, before, result):
            self.steps.append(Step(event, before.acks, before.text))

    def _touches(self, call: Call) -> bool:
        if call.spec.name == "mmap" and call.fd(4) < 0:
            return False
        places = call.places()
        below = [self._is_below(place) for place in places]
        if call.spec.family == "move" and len(set(below)) > 1:
            self.refusals.append(f"rename across the border: {places}")
        return any(below) or call.spec.name in {"sync", "io_uring_setup"}

    def _is_below(self, place: str) -> bool:
        return place == str(self.root) or place.startswith(f"{self.root}/")

    def _text(self, call: Call) -> str:
        return short(f"{call.spec.name}({', '.join(call.places())})", self.root)

    def ino(self, real: int) -> int:
        """The model's number of a real inode: a reused number is a new inode."""
        return self._numbers.get(real, real)

    def born(self, facts: os.stat_result, text: bytes = b"") -> int:
        """Take note of a new inode; a file's data comes by writes."""
        number = facts.st_ino
        if number in self.disk.born:
            number = self._numbers[number] = -len(self.disk.born)
        kind, mode = KINDS[stat.S_IFMT(facts.st_mode)], stat.S_IMODE(facts.st_mode)
        self.disk.born[number] = Node(kind, mode, facts.st_mtime_ns, number, text)
        return number

    def open(self, call: Call, before: "_Before", result: int) -> list[model.Event]:
        """A file created, cut, or merely opened for writing."""
        link = f"/proc/{call.pid}/fd/{result}"
        facts, flags = os.stat(link), call.open_flags()
        if not stat.S_ISREG(facts.st_mode):
            return []
        if flags & os.O_TMPFILE == os.O_TMPFILE or before.names[0].target is None:
            return self._created(link, facts)
        if flags & os.O_TRUNC:
            return [model.resize(self.ino(facts.st_ino), 0)]
        return []

    def _created(self, link: str, facts: os.stat_result) -> list[model.Event]:
        number = self.born(facts)
        if facts.st_nlink == 0:
            return []
        directory, name = os.path.split(os.readlink(link))
        parent = self.ino(os.stat(directory).st_ino)
        return [model.entries([model.SetEntry(parent, name, number)])]

    def write(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """Bytes written by write, pwrite and their kin."""
        info = _fd_info(call)
        if call.spec.name in {"pwrite64", "pwritev", "pwritev2"}:
            return self._bytes(call, call.args[3], result)
        return self._bytes(call, info["pos"] - result, result)

    def copy(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """Bytes copied within the kernel; a clone of a whole file or of a range."""
        if call.spec.name == "ioctl":
            size = os.stat(call.fd_link(0)).st_size
            if call.args[1] == FICLONE:
                return self._bytes(call, 0, size)
            raw = call.memory(call.args[2], 32)
            start, length = (int.from_bytes(raw[i : i + 8], "little") for i in (24, 16))
            return self._bytes(call, start, length or size - start)
        if call.spec.name == "copy_file_range" and call.args[3]:
            end = int.from_bytes(call.memory(call.args[3], 8), "little")
            return self._bytes(call, end - result, result)
        return self._bytes(
            call, _fd_info(call, call.spec.fds[0])["pos"] - result, result
        )

    def _bytes(self, call: Call, offset: int, size: int) -> list[model.Event]:
        """The `size` bytes that the call left at `offset` of its first descriptor."""
        link = call.fd_link(call.spec.fds[0])
        facts = os.stat(link)
        if not stat.S_ISREG(facts.st_mode) or size == 0:
            return []
        with open(link, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), size, offset)
        ino = self.ino(facts.st_ino)
        events: list[model.Event] = [model.write(ino, offset, data)]
        if _fd_info(call, call.spec.fds[0])["flags"] & os.O_DSYNC:
            events.append(model.Flush(frozenset({("data", ino)})))
        return events

    def resize(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """A file cut or extended."""
        if call.spec.name == "fallocate" and call.args[1] & ~_FALLOC_KEEP_SIZE:
            self.refusals.append("fallocate that moves or punches")
        link = call.fd_link(0) if call.spec.fds else call.operand(call.spec.paths[0])
        facts = os.stat(link)
        return [model.resize(self.ino(facts.st_ino), facts.st_size)]

    def sync(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """fsync and its kin; sync_file_range promises nothing."""
        if call.spec.name == _ADVICE:
            return []
        return [model.Flush(self._synced(call))]

    def _synced(self, call: Call) -> frozenset[Hashable] | None:
        if call.spec.name in {"sync", "syncfs"}:
            return None
        ino = self.ino(os.stat(call.fd_link(0)).st_ino)
        # A directory's entries are its data: SQLite relies on that.
        data: frozenset[Hashable] = frozenset({("data", ino), ("dir", ino)})
        return data if call.spec.name == "fdatasync" else data | {("facts", ino)}

    def move(self, call: Call, before: "_Before", _: int) -> list[model.Event]:
        """A rename or an exchange."""
        old, new = before.names
        if old.target == new.target or old.target is None:
            return []  # two names of one inode: POSIX renames nothing
        made = model.SetEntry(self.ino(new.parent), new.name, self.ino(old.target))
        if call.spec.name == "renameat2" and call.args[4] & _RENAME_EXCHANGE:
            back = self.ino(new.target or 0)
            other = model.SetEntry(self.ino(old.parent), old.name, back)
            return [model.entries([made, other])]
        gone = model.SetEntry(self.ino(old.parent), old.name, None)
        if old.parent == new.parent:
            return [model.entries([made, gone])]
        return [model.move(gone, made)]

    def make(self, call: Call, before: "_Before", _: int) -> list[model.Event]:
        """A new name: of a new inode, or by link of an old one."""
        (name,) = before.names
        facts = os.lstat(name.path)
        if call.spec.name in {"link", "linkat"}:
            number = self.ino(facts.st_ino)
        elif stat.S_ISLNK(facts.st_mode):
            number = self.born(facts, os.fsencode(os.readlink(name.path)))
        else:
            number = self.born(facts)
        return [
            model.entries([model.SetEntry(self.ino(name.parent), name.name, number)])
        ]

    def remove(self, call: Call, before: "_Before", _: int) -> list[model.Event]:
        """A name that is gone."""
        (name,) = before.names
        return [model.entries([model.SetEntry(self.ino(name.parent), name.name, None)])]

    def mode(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """Permissions."""
        link = call.fd_link(0) if call.spec.fds else call.operand(call.spec.paths[0])
        facts = os.stat(link)
        return [model.chmod(self.ino(facts.st_ino), stat.S_IMODE(facts.st_mode))]

    def map(self, call: Call, _: "_Before", result: int) -> list[model.Event]:
        """A file mapped shared and writable, or io_uring: changes we can't see."""
        if call.spec.name != "mmap" or call.args[2] & 2:
            self.refusals.append(self._text(call))
        return []


@dataclass(frozen=True)
class _Name:
    """A name before the call: its directory, and the inode it led to."""

    path: str
    parent: int
    name: str
    target: int | None

    @classmethod
    def of(cls, path: str, follow: bool) -> "_Name":
        directory, name = os.path.split(path.rstrip("/"))
        parent, target = _ino(directory, follow=True), _ino(path, follow=follow)
        return cls(path, parent or 0, name, target)


def _ino(path: str, *, follow: bool) -> int | None:
    try:
        return os.stat(path, follow_symlinks=follow).st_ino
    except OSError:  # then the call fails too, or makes it
        return None


@dataclass(frozen=True)
class _Before:
    acks: int
    names: list[_Name]
    text: str


def _fd_info(call: Call, index: int = 0) -> dict[str, int]:
    """Position and flags (octal in /proc) of a descriptor."""
    with open(f"/proc/{call.pid}/fdinfo/{call.fd(index)}") as info:
        pairs = dict(line.split(":", 1) for line in info)
    return {"pos": int(pairs["pos"]), "flags": int(pairs["flags"], 8)}


_Reader = Callable[[Recorder, Call, _Before, int], list[model.Event]]
_READERS: dict[str, _Reader] = {
    "open": Recorder.open,
    "write": Recorder.write,
    "copy": Recorder.copy,
    "resize": Recorder.resize,
    "sync": Recorder.sync,
    "move": Recorder.move,
    "make": Recorder.make,
    "remove": Recorder.remove,
    "mode": Recorder.mode,
    "map": Recorder.map,
}
