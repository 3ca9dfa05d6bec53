"""Power loss on a real ext4, over a disk that logs its writes and flushes.

Proves: whatever subset of the blocks written since the last flush has reached the disk
(all, none, random ones, the last one torn at a sector), the kernel's ext4 mounts it,
and the script's check finds nothing bad afterwards. With `noise` another process
syncs an unrelated file all the time, which commits the journal at bad moments.
Does not prove: anything about other file systems, other kernels, ext4 with other mount
options, or a disk that lies about flushes. ext4 forgives mistakes that POSIX does not
(replacing by rename, directory syncs): the strict model (powerloss.py) finds those.
Needs root, /dev/loop-control, /dev/fuse, and what blocklog.py names.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.crash.blocklog import NAME, Entry, served
from support.crash.child import Ending, SharedLog, fork
from support.crash.mounts import MountError, mounted_image, private_namespace
from support.crash.parallel import in_processes
from support.crash.report import Finding, Report, merged
from support.crash.script import Script
from support.crash.sweep import BrokenScriptError
from support.crash.trees import scratch

_SECTOR, _PAGE = 512, 4096
_CUT = Ending("killed")


@dataclass(frozen=True)
class Cut:
    """A moment (before entry `position`) and which unflushed writes made it."""

    position: int
    kept: tuple[int, ...]
    torn: int | None = None  # bytes of the last kept write that made it

    def text(self) -> str:
        """In words."""
        end = "" if self.torn is None else f", the last torn after {self.torn} bytes"
        return f"writes {list(self.kept)} of the unflushed ones kept{end}"


@dataclass
class Recording:
    """The disk before the run, what was written since, and all acks."""

    image: bytes
    entries: list[Entry]
    acks: list[str]

    def acks_at(self, position: int) -> list[str]:
        """The acks that may have been seen before this entry reached the disk."""
        if position == len(self.entries):
            return self.acks
        return self.acks[: self.entries[position].acks]

    def cuts(self, samples: int, seed: int) -> list[Cut]:
        """The moments and subsets to try; `samples` random subsets a moment."""
        chance, found = random.Random(seed), dict[tuple[object, ...], Cut]()
        flushed = 0
        for position in range(len(self.entries) + 1):
            if position and self.entries[position - 1].is_flush:
                flushed = position
            for cut in self._at(position, flushed, samples, chance):
                acks = len(self.acks_at(position))
                found.setdefault((flushed, cut.kept, cut.torn, acks), cut)
        return list(found.values())

    def _at(
        self, position: int, flushed: int, samples: int, chance: random.Random
    ) -> Iterator[Cut]:
        pending = tuple(range(flushed, position))
        yield Cut(position, ())
        yield Cut(position, pending)
        for _ in range(samples if pending else 0):
            kept = tuple(index for index in pending if chance.random() < 0.5)
            yield Cut(position, kept)
        if pending:
            size = len(self.entries[pending[-1]].data or b"")
            sectors = chance.randrange(max(1, size // _SECTOR))
            yield Cut(position, pending, torn=sectors * _SECTOR)


@dataclass
class Laboratory:
    """A place with a mount point, the same for the run and for every check."""

    script: Script
    where: Path
    megabytes: int
    acks: SharedLog = field(default_factory=SharedLog)

    def __post_init__(self) -> None:
        self.mount, self.fuse = self.where / "mnt", self.where / "fuse"
        self.mount.mkdir()
        self.fuse.mkdir()
        self.site = self.mount / "site"

    def record(self, *, noise: bool) -> Recording:
        """Run the script on the logging disk. It must be clean undisturbed."""
        with ExitStack() as stack:
            log = stack.enter_context(served(self._prepared(), self.fuse, self.acks))
            disk = stack.enter_context((self.fuse / NAME).open("r+b", buffering=0))
            stack.enter_context(mounted_image(disk.fileno(), self.mount, "commit=1"))
            os.sync()
            image, start = log.image(), log.size()
            with _noise(self.mount / "noise", wanted=noise):
                ending = self.script.job(self.site, self.acks).run()
            entries = log.entries(start, log.size())
            acks = self.acks.texts()
            wrong = self.script.verdict(self.site, acks, ending)
        if ending.kind != "done" or wrong:
            raise BrokenScriptError(
                f"{self.script.name}, undisturbed: {ending} {wrong}"
            )
        return Recording(image, entries, acks)

    def _prepared(self) -> bytes:
        """An image in which the script's setup is durable."""
        path = self.where / "image"
        path.touch()
        os.truncate(path, self.megabytes << 20)
        subprocess.run([*_mkfs(), path], check=True)
        with path.open("r+b") as file, mounted_image(file.fileno(), self.mount):
            self.site.mkdir()
            self.script.setup(self.site)
        return path.read_bytes()

    def check(self, image: "Image", cut: Cut, acks: list[str]) -> list[str]:
        """Mount what a cut left, as the kernel would at the next boot, and look."""
        with image.after(cut) as file:
            try:
                with mounted_image(file, self.mount):
                    return self.script.verdict(self.site, acks, _CUT)
            except MountError as error:
                return [f"ext4 does not mount: {error.strerror}"]


def _mkfs() -> list[str]:
    tool = shutil.which("mkfs.ext4", path="/usr/sbin:/sbin:/usr/bin")
    if tool is None:
        raise FileNotFoundError("mkfs.ext4 is missing (Debian package e2fsprogs)")
    lazy = "lazy_itable_init=1,lazy_journal_init=1,nodiscard"
    return [tool, "-q", "-F", "-b", "4096", "-J", "size=4", "-E", lazy]


@contextmanager
def _noise(file: Path, *, wanted: bool) -> Iterator[None]:
    """Another process that syncs a file of its own all the time."""
    pid = fork() if wanted else None
    if pid == 0:
        try:
            _make_noise(file)
        finally:
            os._exit(0)
    try:
        yield
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _make_noise(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        while True:
            out.write(os.urandom(100))
            os.fsync(out.fileno())
            time.sleep(random.random() / 500)


class Image:
    """The durable part of a disk, advanced from cut to cut; sparse, in memory."""

    def __init__(self, recording: Recording) -> None:
        self._entries, self._done = recording.entries, 0
        self._file = os.memfd_create("kp-crash-image")
        os.truncate(self._file, len(recording.image))
        for start in range(0, len(recording.image), _PAGE):
            page = recording.image[start : start + _PAGE]
            if page.count(0) != len(page):
                os.pwrite(self._file, page, start)

    def advance(self, position: int) -> None:
        """Write what is durable before entry `position`; positions only grow."""
        flushes = (i for i in range(self._done, position) if self._entries[i].is_flush)
        durable = max(flushes, default=self._done)
        for index in range(self._done, durable):
            self._write(self._file, index)
        self._done = durable

    def _write(self, file: int, index: int, torn: int | None = None) -> None:
        entry = self._entries[index]
        if entry.data is not None:
            os.pwrite(file, entry.data[:torn], entry.offset)

    @contextmanager
    def after(self, cut: Cut) -> Iterator[int]:
        """What the cut left, as an open file."""
        file = os.memfd_create("kp-crash-state")
        try:
            self._copy_to(file)
            for index in cut.kept:
                last = index == cut.kept[-1]
                self._write(file, index, cut.torn if last else None)
            yield file
        finally:
            os.close(file)

    def _copy_to(self, file: int) -> None:
        size = os.fstat(self._file).st_size
        os.truncate(file, size)
        end = 0
        while (start := self._next_data(end)) < size:
            end = os.lseek(self._file, start, os.SEEK_HOLE)
            os.pwrite(file, os.pread(self._file, end - start, start), start)

    def _next_data(self, start: int) -> int:
        try:
            return os.lseek(self._file, start, os.SEEK_DATA)
        except OSError:  # ENXIO: nothing but a hole is left
            return os.fstat(self._file).st_size


def crash(
    script: Script,
    *,
    samples: int = 4,
    noise: bool = False,
    limit: int | None = None,
    seed: int = 0,
    megabytes: int = 16,
    workers: int = 2,
) -> Report:
    """Check what cuts at every write and flush leave, `samples` random subsets each.

    `limit`: at most so many states, chosen by `seed`.
    Raises OSError when the machine lacks a part: it fails, it doesn't skip.
    """

    def everything(_: int) -> list[Report]:
        private_namespace()
        with scratch() as where:
            laboratory = Laboratory(script, where, megabytes)
            recording = laboratory.record(noise=noise)
            cuts = _chosen(recording.cuts(samples, seed), limit, seed)
            return in_processes(
                workers, lambda n: _examine(laboratory, recording, cuts[n::workers])
            )

    start = time.monotonic()
    (parts,) = in_processes(1, everything)
    name = f"ext4{' with noise' if noise else ''} {script.name}"
    return merged(name, parts, time.monotonic() - start)


def _chosen(cuts: list[Cut], limit: int | None, seed: int) -> list[Cut]:
    if limit is None or len(cuts) <= limit:
        return cuts
    return sorted(random.Random(seed).sample(cuts, limit), key=lambda cut: cut.position)


def _examine(laboratory: Laboratory, recording: Recording, cuts: list[Cut]) -> Report:
    private_namespace()
    report = Report(laboratory.script.name, len(recording.entries) + 1, len(cuts))
    image = Image(recording)
    for number, cut in enumerate(cuts):
        image.advance(cut.position)
        wrong = laboratory.check(image, cut, recording.acks_at(cut.position))
        state = f"power cut, state {number}"
        report.findings += [
            Finding(state, cut.position, cut.text(), each) for each in wrong
        ]
    return report
