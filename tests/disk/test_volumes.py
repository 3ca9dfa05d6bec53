"""Very many files: one flush of their file system, where that is to be believed."""

import errno
import os
from pathlib import Path

import pytest

from kpstore.disk import batch as batch_module
from kpstore.disk import volumes as volumes_module
from kpstore.disk.durable import Batch
from kpstore.disk.libc import file_system_type
from kpstore.disk.volumes import Volumes
from support.crash import failedsync, powerloss, ptrace
from support.crash.diskmodel import Mode
from support.crash.script import Ack, Script
from support.crash.seeded import bug

FEW = 3  # files that a batch keeps open here
NAMES = [f"f{number}" for number in range(FEW * 3)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_module, "_OPEN_FILES", FEW)


def fill(root: Path) -> None:
    """A directory of files, and files beside it."""
    with Batch() as batch:
        new = batch.directory(root / "new")
        for name in NAMES:
            new.file(name, name.encode())
        for name in NAMES:
            batch.file(root / name, name.encode())
        batch.commit()


def is_whole(root: Path) -> bool:
    wanted = [root / folder / name for folder in ("", "new") for name in NAMES]
    return all(path.read_bytes() == path.name.encode() for path in wanted)


class Calls:
    """What was flushed before the first name appeared, and how."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[str] = []
        self.whole = 0
        self.renamed = False
        self._fsync, self._rename = os.fsync, os.rename
        self._syncfs = volumes_module.sync_file_system
        monkeypatch.setattr(os, "fsync", self.fsync)
        monkeypatch.setattr(os, "rename", self.rename)
        monkeypatch.setattr(volumes_module, "sync_file_system", self.syncfs)

    def fsync(self, descriptor: int) -> None:
        if not self.renamed:
            path = os.readlink(f"/proc/self/fd/{descriptor}")
            if not os.path.isdir(path):
                self.synced.append(path)
        self._fsync(descriptor)

    def syncfs(self, descriptor: int) -> None:
        self.whole += not self.renamed
        self._syncfs(descriptor)

    def rename(self, old: str, new: str, **directories: int) -> None:
        self.renamed = True
        self._rename(old, new, **directories)


def trust(monkeypatch: pytest.MonkeyPatch, *, told: bool) -> None:
    monkeypatch.setattr(volumes_module, "_tells_errors", lambda _: told)


def test_the_first_are_synced_and_the_rest_by_their_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, told=True)
    calls = Calls(monkeypatch)
    fill(tmp_path)
    assert len(calls.synced) == FEW
    assert calls.whole == 2  # old errors are asked for first, then ours
    assert is_whole(tmp_path)


def test_where_it_is_not_to_be_believed_each_file_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, told=False)
    calls = Calls(monkeypatch)
    fill(tmp_path)
    assert len(set(calls.synced)) == 2 * len(NAMES)
    assert calls.whole == 0
    assert is_whole(tmp_path)


def test_few_files_are_synced_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, told=True)
    calls = Calls(monkeypatch)
    with Batch() as batch:
        for name in NAMES[:FEW]:
            batch.file(tmp_path / name, b"")
        batch.commit()
    assert (len(calls.synced), calls.whole) == (FEW, 0)


def test_a_failed_flush_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fail_at_last(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    trust(monkeypatch, told=True)
    monkeypatch.setattr(volumes_module, "sync_file_system", fail_at_last)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="Input/output") as caught:
        fill(tmp_path)
    assert str(caught.value.filename).startswith(str(tmp_path))
    assert os.listdir(tmp_path) == []
    assert os.listdir("/proc/self/fd") == before
    assert calls == 2


def test_an_old_error_that_nobody_was_told_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0

    def fail_at_first(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    trust(monkeypatch, told=True)
    monkeypatch.setattr(volumes_module, "sync_file_system", fail_at_first)
    fill(tmp_path)
    assert is_whole(tmp_path)


@pytest.mark.parametrize(
    ("release", "told"),
    [
        ("6.18.44-fc", True),
        ("5.10.0-28-amd64", True),
        ("5.8.0", True),
        ("5.7.19", False),
        ("4.18.0-553.el8_10.x86_64", False),
        ("3.10.0-1160.el7", False),
        ("what", False),
    ],
)
def test_kernels_that_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, told: bool
) -> None:
    known = os.uname()
    named = os.uname_result((known[0], known[1], release, known[3], known[4]))
    monkeypatch.setattr(os, "uname", lambda: named)
    monkeypatch.setattr(volumes_module, "file_system_type", lambda _: 0xEF53)
    assert takes(tmp_path) is told


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0xEF53, True),
        (0x58465342, True),
        (0x794C7630, False),  # overlay
        (0x6969, False),  # NFS
        (0x65735546, False),  # FUSE
    ],
)
def test_file_systems_that_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: bool
) -> None:
    monkeypatch.setattr(volumes_module, "file_system_type", lambda _: number)
    assert takes(tmp_path) is told


def takes(directory: Path) -> bool:
    """Tell whether a new file there is taken once its directory is watched."""
    watched = Volumes()
    with (directory / "file").open("wb") as file:
        assert not watched.take(file.fileno())
        watched.watch(str(directory))
        taken = watched.take(file.fileno())
    watched.sync()
    watched.close()
    return taken


def test_a_file_of_another_file_system_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, told=True)
    watched = Volumes()
    watched.watch(str(tmp_path))
    with Path("/proc/self/status").open() as file:
        assert not watched.take(file.fileno())
    watched.close()


def test_the_type_is_the_kernel_s_number(tmp_path: Path) -> None:
    with Path("/proc/self/status").open() as file:
        assert file_system_type(file.fileno()) == 0x9FA0  # linux/magic.h


def setup(root: Path) -> None:
    (root / "kept").touch()


def operation(root: Path, ack: Ack) -> None:
    fill(root)
    ack("made")


def check(root: Path, acks: list[str]) -> list[str]:
    """No name promises bytes that aren't there; what was acked is there."""
    names = [p for p in root.rglob("f*") if ".kp-tmp-" not in str(p)]
    torn = [p.name for p in names if p.read_bytes() != p.name.encode()]
    if acks and not (root / "new").is_dir():
        return ["lost"]
    if (root / "new").is_dir() and len(os.listdir(root / "new")) < len(NAMES):
        return ["a directory that lacks files"]
    return [f"torn: {name}" for name in torn]


SCRIPT = Script("many files", setup, operation, check)
traced = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)


@traced
@pytest.mark.parametrize("mode", ["strict", "ordered"])
def test_a_power_cut_tears_nothing(mode: Mode) -> None:
    report = powerloss.examine(SCRIPT, mode, samples=4, workers=1)
    print(report)
    assert report.bad == 0
    assert report.runs > 100


@traced
def test_a_failed_flush_is_not_believed() -> None:
    report = failedsync.examine(SCRIPT, samples=4, workers=1)
    print(report)
    assert report.bad == 0


@traced
def test_without_the_flush_the_harness_finds_torn_files() -> None:
    never = bug(volumes_module.Volumes, sync=lambda self: None)
    report = powerloss.examine(SCRIPT.with_bug("no flush", never), samples=4, workers=1)
    assert report.bad > 0
