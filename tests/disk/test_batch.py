import errno
import os
import stat

import pytest

from kpstore.disk import batch as batch_module
from kpstore.disk import descriptors
from kpstore.disk.durable import TEMP_PREFIX, Batch
from kpstore.errors import InvalidInput, Refused


def content(directory):
    return {
        str(path.relative_to(directory)): (
            os.readlink(path) if path.is_symlink() else path.read_bytes()
        )
        for path in directory.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def fill(batch, root, source):
    batch.file(root / "menu", b"menu", mode=0o640)
    batch.link(root / "live", "generations/2")
    batch.copy(root / "sub" / "kernel", source)
    new = batch.directory(root / "objects" / "aa", mode=0o755)
    new.file("vmlinuz", b"kernel", 0o444)
    new.link("again", "vmlinuz")
    new.copy("initrd", source)
    new.hardlink("other", source)
    new.directory("deep", 0o750).file("f", b"deep")


ALL = {
    "menu": b"menu",
    "live": "generations/2",
    "sub/kernel": b"source",
    "objects/aa/vmlinuz": b"kernel",
    "objects/aa/again": "vmlinuz",
    "objects/aa/initrd": b"source",
    "objects/aa/other": b"source",
    "objects/aa/deep/f": b"deep",
}


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"source")
    return path


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "root"
    path.mkdir()
    return path


def test_all_appears_at_commit_and_only_then(root, source):
    with Batch() as batch:
        fill(batch, root, source)
        batch.prepare()
        assert all(TEMP_PREFIX in name for name in content(root))
        batch.commit()
    assert content(root) == ALL


def test_modes_are_as_said_whatever_the_umask(root, source):
    before = os.umask(0o077)
    try:
        with Batch() as batch:
            fill(batch, root, source)
            batch.commit()
    finally:
        os.umask(before)
    assert mode_of(root / "menu") == 0o640
    assert mode_of(root / "sub" / "kernel") == 0o444
    assert mode_of(root / "sub") == mode_of(root / "objects") == 0o755
    assert mode_of(root / "objects" / "aa") == 0o755
    assert mode_of(root / "objects" / "aa" / "vmlinuz") == 0o444
    assert mode_of(root / "objects" / "aa" / "deep") == 0o750


@pytest.mark.parametrize("prepared", [False, True])
def test_leaving_without_commit_leaves_nothing(root, source, prepared):
    (root / "menu").write_bytes(b"old")
    with Batch() as batch:
        fill(batch, root, source)
        if prepared:
            batch.prepare()
    assert content(root) == {"menu": b"old"}


def test_an_exception_leaves_nothing_and_no_open_file(root, source):
    before = os.listdir("/proc/self/fd")
    with pytest.raises(RuntimeError), Batch() as batch:
        fill(batch, root, source)
        raise RuntimeError
    assert content(root) == {}
    assert os.listdir("/proc/self/fd") == before


def test_copies_are_independent_and_links_are_not(root, source):
    with Batch() as batch:
        fill(batch, root, source)
        batch.commit()
    assert (root / "sub" / "kernel").stat().st_ino != source.stat().st_ino
    assert (root / "objects/aa/other").stat().st_ino == source.stat().st_ino


def test_an_existing_directory_wins(root, source):
    (root / "objects" / "aa").mkdir(parents=True)
    (root / "objects" / "aa" / "here").write_bytes(b"first")
    with Batch() as batch:
        fill(batch, root, source)
        batch.commit()
    assert content(root / "objects") == {"aa/here": b"first"}


def test_names_appear_in_the_order_of_the_calls(root, monkeypatch):
    order = []
    real = os.rename

    def rename(old, new, **directories):
        order.append(os.path.basename(new))
        real(old, new, **directories)

    (root / "kept").touch()
    with Batch() as batch:
        for name in ("c", "a", "b"):
            batch.file(root / name, b"")
        monkeypatch.setattr(os, "rename", rename)
        batch.commit()
    assert order == ["c", "a", "b"]


def test_everything_is_synced_before_a_name_and_parents_once_after(root, monkeypatch):
    seen = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor):
        seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real_fsync(descriptor)

    def rename(old, new, **directories):
        seen.append("rename")
        real_rename(old, new, **directories)

    (root / "kept").touch()
    with Batch() as batch:
        for name in ("one", "two"):
            batch.file(root / name, b"x")
        new = batch.directory(root / "new")
        new.file("f", b"y")
        new.directory("sub").link("l", "t")
        monkeypatch.setattr(os, "fsync", fsync)
        monkeypatch.setattr(os, "rename", rename)
        batch.commit()
    first = seen.index("rename")
    assert seen[first:] == ["rename", "rename", "rename", str(root)]
    files, directories = seen[: first - 2], seen[first - 2 : first]
    assert len(files) == len(set(files)) == 3
    assert directories[0].endswith("/sub")
    assert directories[0].startswith(directories[1] + "/")


def test_what_is_added_after_prepare_is_synced_too(root, monkeypatch):
    with Batch() as batch:
        new = batch.directory(root / "new")
        new.file("early", b"1")
        batch.prepare()
        new.file("late", b"2")
        synced = []
        real = os.fsync
        monkeypatch.setattr(
            os,
            "fsync",
            lambda fd: (synced.append(os.readlink(f"/proc/self/fd/{fd}")), real(fd)),
        )
        batch.commit()
    assert any(name.endswith("/late") for name in synced)
    assert not any(name.endswith("/early") for name in synced)
    assert content(root) == {"new/early": b"1", "new/late": b"2"}


def test_more_files_than_may_be_open(root, monkeypatch):
    monkeypatch.setattr(batch_module, "_OPEN_FILES", 4)
    before = len(os.listdir("/proc/self/fd"))
    with Batch() as batch:
        for number in range(20):
            batch.file(root / str(number), str(number).encode())
            assert len(os.listdir("/proc/self/fd")) <= before + 4
        batch.commit()
    assert content(root) == {str(n): str(n).encode() for n in range(20)}


def test_a_failed_sync_is_not_tried_again(root, monkeypatch):
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    (root / "kept").touch()
    with pytest.raises(OSError) as caught, Batch() as batch:
        batch.file(root / "f", b"x")
        monkeypatch.setattr(os, "fsync", fsync)
        batch.commit()
    assert caught.value.filename == str(root / "f")
    assert len(calls) == 1
    assert content(root) == {"kept": b""}


def test_a_failed_rename_stops_there(root, monkeypatch):
    (root / "b").mkdir()
    with pytest.raises(IsADirectoryError) as caught, Batch() as batch:
        for name in ("a", "b", "c"):
            batch.file(root / name, b"x")
        batch.commit()
    assert caught.value.filename == str(root / "b")
    assert sorted(os.listdir(root)) == ["a", "b"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a"])
def test_names_in_a_new_directory_are_single(root, name):
    with Batch() as batch, pytest.raises(InvalidInput):
        batch.directory(root / "new").file(name, b"")


def test_a_fifo_is_no_source(root, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with Batch() as batch, pytest.raises(Refused, match="regular"):
        batch.copy(root / "f", tmp_path / "fifo")
    assert content(root) == {}


@pytest.mark.parametrize("kernel_copies", [0, 3])
def test_copying_goes_on_where_the_kernel_stops(
    root, tmp_path, monkeypatch, kernel_copies
):
    data = os.urandom(3 << 20) + b"end"
    (tmp_path / "big").write_bytes(data)
    left = [kernel_copies]
    real = os.copy_file_range

    def some(source, target, _count):
        if not left[0]:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        left[0] -= 1
        return real(source, target, 700_001)

    monkeypatch.setattr(descriptors, "clone", lambda source, target: False)
    monkeypatch.setattr(os, "copy_file_range", some)
    with Batch() as batch:
        batch.copy(root / "big", tmp_path / "big")
        batch.commit()
    assert (root / "big").read_bytes() == data


def test_a_read_error_while_copying_is_an_error(root, source, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(descriptors, "clone", lambda source, target: False)
    monkeypatch.setattr(os, "copy_file_range", refuse)
    with Batch() as batch, pytest.raises(OSError, match="Input/output"):
        batch.copy(root / "f", source)
    assert content(root) == {}
