import hashlib
import os
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.artifacts import store as module
from kpstore.artifacts.store import ArtifactStore, Progress, Stored, StoredRef
from kpstore.disk.descriptors import TEMP_PREFIX, opened_source
from kpstore.errors import (
    CorruptState,
    DiskFailure,
    InvalidInput,
    NotFound,
    Refused,
)

DATA = b"a kernel" * 1000
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "objects")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "vmlinuz").write_bytes(DATA)
    return tmp_path / "vmlinuz"


def add_file(
    store: ArtifactStore, path: Path, progress: Progress | None = None
) -> StoredRef:
    with opened_source(path) as descriptor:
        return store.adopt(descriptor, str(path), progress)


def files(tmp_path: Path) -> list[str]:
    root = tmp_path / "objects"
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


def test_layout_is_git_lfs_own(
    store: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    assert add_file(store, source) == StoredRef(NAME, len(DATA))
    assert files(tmp_path) == [f"{NAME[:2]}/{NAME[2:4]}/{NAME}"]
    assert store.path(NAME).read_bytes() == DATA
    assert store.path(NAME).stat().st_mode & 0o7777 == 0o444
    assert store.has(NAME) and store.has(NAME, len(DATA)) and not store.has(NAME, 1)
    store.verify(NAME)


def test_the_artifact_is_not_the_source(store: ArtifactStore, source: Path) -> None:
    add_file(store, source)
    source.write_bytes(b"written over in place")
    store.verify(NAME)


def test_stream_in_constant_memory(store: ArtifactStore) -> None:
    seen: list[int] = []
    piece = os.urandom(1 << 20)
    tracemalloc.start()
    try:
        ref = store.add_stream((piece for _ in range(64)), seen.append)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert ref.size == sum(seen) == 64 << 20
    store.verify(ref.sha256)


def test_what_is_here_is_not_rewritten(store: ArtifactStore, source: Path) -> None:
    add_file(store, source)
    before = store.path(NAME).stat()
    assert store.add_stream([DATA]) == StoredRef(NAME, len(DATA))
    assert store.path(NAME).stat().st_ino == before.st_ino


def test_what_is_added_again_is_young_again(store: ArtifactStore, source: Path) -> None:
    add_file(store, source)
    os.utime(store.path(NAME), (1000, 1000))
    store.add_stream([DATA])
    assert not store.remove(NAME, before=2000)
    assert store.has(NAME)
    os.utime(store.path(NAME), (1000, 1000))
    assert store.remove(NAME, before=2000)
    assert not store.has(NAME)


@pytest.mark.parametrize("left", [b"", DATA[:100]])
def test_a_torn_leftover_is_replaced(
    store: ArtifactStore, source: Path, left: bytes, tmp_path: Path
) -> None:
    place = tmp_path / "objects" / NAME[:2] / NAME[2:4] / NAME
    place.parent.mkdir(parents=True)
    place.write_bytes(left)
    place.chmod(0o444)
    add_file(store, source)
    store.verify(NAME)


def test_adding_again_heals_damaged_bytes(store: ArtifactStore, source: Path) -> None:
    ref = add_file(store, source)
    path = store.path(ref.sha256)
    damaged = b"?" * ref.size
    path.chmod(0o644)
    path.write_bytes(damaged)
    with path.open("rb") as reading:
        assert add_file(store, source) == ref
        assert reading.read() == damaged  # replaced by rename, not written over
    store.verify(ref.sha256)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_verify_tells_changed_bytes(store: ArtifactStore, source: Path) -> None:
    add_file(store, source)
    place = store.path(NAME)
    place.chmod(0o644)
    place.write_bytes(b"b" + DATA[1:])
    with pytest.raises(CorruptState, match=NAME):
        store.verify(NAME)


def test_missing_artifacts(store: ArtifactStore) -> None:
    assert not store.has(NAME)
    assert list(store) == []
    store.remove(NAME, before=1e12)
    with pytest.raises(NotFound, match=NAME):
        store.path(NAME)
    with pytest.raises(NotFound, match=NAME):
        store.verify(NAME)


@pytest.mark.parametrize("name", ["", "../../../etc/passwd", NAME.upper(), NAME + "0"])
def test_only_hashes_are_names(store: ArtifactStore, name: str) -> None:
    with pytest.raises(InvalidInput):
        store.has(name)


def test_iterates_sorted_over_artifacts_only(
    store: ArtifactStore, tmp_path: Path
) -> None:
    refs = [store.add_stream([bytes([n])]) for n in range(20)]
    root = tmp_path / "objects"
    (root / "incomplete").mkdir()
    (root / "ab").mkdir(exist_ok=True)
    (root / "ab" / "README").write_text("not ours")
    place = store.path(refs[0].sha256)
    (place.parent / ("0" * 64)).write_text("under another hash's folder")
    found = list(store)
    assert [stored.sha256 for stored in found] == sorted(ref.sha256 for ref in refs)
    stat = place.stat()
    assert Stored(place.name, stat.st_size, stat.st_mtime) in found


def test_remove(store: ArtifactStore, source: Path, tmp_path: Path) -> None:
    add_file(store, source)
    store.remove(NAME, before=1e12)
    assert files(tmp_path) == []


def test_empty_files_are_refused(store: ArtifactStore, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidInput, match=r"empty is empty"):
        add_file(store, tmp_path / "empty")
    with pytest.raises(InvalidInput, match="initrd is empty"):
        store.add_stream([], name="initrd")
    assert files(tmp_path) == []


def test_a_fifo_is_refused_at_once(store: ArtifactStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Refused, match="fifo"):
        add_file(store, tmp_path / "fifo")


@pytest.mark.parametrize("change", ["append", "truncate", "in place"])
def test_a_source_that_changes_meanwhile_is_refused(
    store: ArtifactStore,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    monkeypatch.setattr("kpstore.disk.streams.clone", lambda *_: False)
    monkeypatch.setattr(module, "_CHUNK", 1000)
    # a time long past, so that the change's own time differs on any clock
    os.utime(source, (1, 1))

    def meddle(_: int) -> None:
        with source.open("r+b") as file:
            if change == "truncate":
                file.truncate(3000)
            else:
                file.seek(0, os.SEEK_END if change == "append" else os.SEEK_SET)
                file.write(b"more")

    with pytest.raises(Refused, match="changed while it was read"):
        add_file(store, source, meddle)
    assert files(tmp_path) == []


def test_failing_stream_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"some"
        raise OSError(5, "Input/output error")

    with pytest.raises(DiskFailure, match="Input/output"):
        store.add_stream(failing())
    assert files(tmp_path) == []


def test_sweep_takes_the_dead_and_leaves_the_living(
    store: ArtifactStore, tmp_path: Path
) -> None:
    root = tmp_path / "objects"
    root.mkdir()
    dead = f"{TEMP_PREFIX}1.0-00"
    (root / dead).write_bytes(b"torn")

    def while_adding() -> Iterator[bytes]:
        yield DATA
        assert store.sweep() == [dead]

    assert store.add_stream(while_adding()).sha256 == NAME
    store.verify(NAME)


def test_order_of_durability(
    store: ArtifactStore, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, rename = os.fsync, os.rename

    def name_of(descriptor: int) -> str:
        return Path(os.readlink(f"/proc/self/fd/{descriptor}")).name

    def seen_fsync(descriptor: int) -> None:
        calls.append(f"fsync {name_of(descriptor)[:4]}")
        fsync(descriptor)

    def seen_rename(old: object, new: object, **kw: object) -> None:
        calls.append(f"rename {Path(str(new)).name[:4]}")
        rename(old, new, **kw)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(os, "rename", seen_rename)
    add_file(store, source)
    assert calls[-3:] == [
        f"fsync {TEMP_PREFIX[:4]}",
        f"rename {NAME[:4]}",
        f"fsync {NAME[2:4]}",
    ]
    calls.clear()
    add_file(store, source)  # here already: its name may not be durable yet
    assert f"fsync {NAME[:4]}" in calls and f"fsync {NAME[2:4]}" in calls
