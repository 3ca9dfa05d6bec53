import errno
import os
import stat
import subprocess
import sys

import pytest

from kpstore.disk.durable import (
    TEMP_PREFIX,
    Batch,
    make_directories,
    remove,
    remove_tree,
    remove_trees,
    replace_link,
    sweep_temporaries,
    sync_directory,
    write_file,
)


def mode_of(path):
    return stat.S_IMODE(path.lstat().st_mode)


def temps(directory):
    return list(directory.rglob(f"{TEMP_PREFIX}*"))


@pytest.fixture
def tight_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def syscalls(monkeypatch):
    """Record what is synced and renamed, in order, by real paths."""
    seen = []
    real_fsync, real_rename = os.fsync, os.rename

    def fsync(descriptor):
        seen.append(("fsync", os.readlink(f"/proc/self/fd/{descriptor}")))
        real_fsync(descriptor)

    def rename(old, new, **directories):
        seen.append(("rename", str(old), str(new)))
        real_rename(old, new, **directories)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    return seen


def fail(monkeypatch, name, number):
    def refuse(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, refuse)


class TestWriteFile:
    def test_writes_bytes_and_mode_whatever_the_umask(self, tmp_path, tight_umask):
        write_file(tmp_path / "a" / "menu", b"hello", mode=0o644)
        assert (tmp_path / "a" / "menu").read_bytes() == b"hello"
        assert mode_of(tmp_path / "a" / "menu") == 0o644
        assert mode_of(tmp_path / "a") == 0o755

    def test_replaces_the_name_and_not_the_bytes_of_another_name(self, tmp_path):
        (tmp_path / "old").write_bytes(b"old")
        os.link(tmp_path / "old", tmp_path / "name")
        write_file(tmp_path / "name", b"new")
        assert (tmp_path / "old").read_bytes() == b"old"
        assert (tmp_path / "name").read_bytes() == b"new"

    def test_replaces_a_link_and_not_its_target(self, tmp_path):
        (tmp_path / "target").write_bytes(b"kept")
        (tmp_path / "name").symlink_to("target")
        write_file(tmp_path / "name", b"new")
        assert not (tmp_path / "name").is_symlink()
        assert (tmp_path / "target").read_bytes() == b"kept"

    def test_goes_on_after_short_writes(self, tmp_path, monkeypatch):
        real = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:3])))
        write_file(tmp_path / "f", b"0123456789" * 5)
        assert (tmp_path / "f").read_bytes() == b"0123456789" * 5

    def test_syncs_the_bytes_then_names_then_syncs_the_directory(
        self, tmp_path, syscalls
    ):
        (tmp_path / "other").touch()
        write_file(tmp_path / "f", b"x")
        (_, temp), (_, renamed, final), (_, directory) = syscalls
        assert [event[0] for event in syscalls] == ["fsync", "rename", "fsync"]
        assert temp == renamed
        assert final == str(tmp_path / "f")
        assert directory == str(tmp_path)

    @pytest.mark.parametrize("call", ["write", "fchmod", "fsync", "rename"])
    @pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
    def test_a_failure_names_the_file_and_leaves_the_old_one(
        self, tmp_path, monkeypatch, call, number
    ):
        write_file(tmp_path / "f", b"old")
        with monkeypatch.context() as patch, pytest.raises(OSError) as caught:
            fail(patch, call, number)
            write_file(tmp_path / "f", b"new")
        assert caught.value.errno == number
        assert caught.value.filename == str(tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == b"old"
        assert temps(tmp_path) == []

    def test_a_directory_sync_that_fails_is_an_error(self, tmp_path, monkeypatch):
        fail(monkeypatch, "fsync", errno.EIO)
        with pytest.raises(OSError, match="Input/output") as caught:
            sync_directory(tmp_path)
        assert caught.value.filename == str(tmp_path)

    def test_a_file_system_without_directory_sync_is_tolerated(
        self, tmp_path, monkeypatch
    ):
        fail(monkeypatch, "fsync", errno.EINVAL)
        sync_directory(tmp_path)

    def test_a_file_sync_refused_by_einval_is_an_error(self, tmp_path, monkeypatch):
        fail(monkeypatch, "fsync", errno.EINVAL)
        with Batch() as batch, pytest.raises(OSError, match="Invalid"):
            (tmp_path / "other").touch()
            batch.file(tmp_path / "f", b"x")
            batch.commit()


class TestDirectories:
    def test_make_directories_has_modes_and_syncs_each_new_name(
        self, tmp_path, tight_umask, syscalls
    ):
        (tmp_path / "other").touch()
        make_directories(tmp_path / "a" / "b", mode=0o750)
        assert mode_of(tmp_path / "a") == mode_of(tmp_path / "a" / "b") == 0o750
        synced = [event[1] for event in syscalls if event[0] == "fsync"]
        modes = [path for path in synced if TEMP_PREFIX in path]
        assert len(modes) == 2  # the umask took a bit, which is given back durably
        names = [path for path in synced if path not in modes]
        assert names == [str(tmp_path), str(tmp_path / "a")]

    def test_an_existing_directory_keeps_its_mode(self, tmp_path):
        (tmp_path / "a").mkdir(mode=0o700)
        make_directories(tmp_path / "a", mode=0o755)
        assert mode_of(tmp_path / "a") == 0o700

    def test_an_empty_one_is_made_durable_by_who_finds_it(self, tmp_path, syscalls):
        (tmp_path / "made-by-a-killed-process").mkdir()
        make_directories(tmp_path / "made-by-a-killed-process")
        assert syscalls == [("fsync", str(tmp_path))]

    def test_one_in_use_costs_nothing(self, tmp_path, syscalls):
        (tmp_path / "f").touch()
        make_directories(tmp_path)
        assert syscalls == []

    def test_a_file_in_the_way_is_an_error(self, tmp_path):
        (tmp_path / "f").touch()
        with pytest.raises(NotADirectoryError):
            make_directories(tmp_path / "f" / "g")

    def test_remove_tree_follows_no_link(self, tmp_path):
        (tmp_path / "kept").mkdir()
        (tmp_path / "kept" / "f").touch()
        (tmp_path / "tree" / "sub").mkdir(parents=True)
        (tmp_path / "tree" / "sub" / "link").symlink_to(tmp_path / "kept")
        (tmp_path / "tree" / "f").touch()
        remove_tree(tmp_path / "tree")
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]
        assert (tmp_path / "kept" / "f").exists()

    def test_remove_tree_removes_a_link_itself(self, tmp_path):
        (tmp_path / "kept").mkdir()
        (tmp_path / "link").symlink_to("kept")
        remove_tree(tmp_path / "link")
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]

    def test_remove_tree_is_never_half_done_under_its_name(self, tmp_path, monkeypatch):
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree" / "f").touch()
        with monkeypatch.context() as patch, pytest.raises(OSError):
            fail(patch, "unlink", errno.EIO)
            remove_tree(tmp_path / "tree")
        assert not (tmp_path / "tree").exists()

    def test_of_many_trees_all_leave_their_names_by_one_flush(
        self, tmp_path, monkeypatch
    ):
        trees = [tmp_path / name for name in ("a", "b", "gone")]
        for tree in trees[:2]:
            (tree / "in").mkdir(parents=True)
        calls, sync = [], os.fsync

        def fsync(descriptor):
            calls.append([tree.exists() for tree in trees])
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        remove_trees(trees)
        assert calls == [[False, False, False]]
        assert list(tmp_path.iterdir()) == []

    def test_remove_tree_of_nothing_is_fine(self, tmp_path):
        remove_tree(tmp_path / "nothing")

    def test_remove(self, tmp_path):
        (tmp_path / "f").touch()
        remove(tmp_path / "f")
        remove(tmp_path / "f")
        with pytest.raises(FileNotFoundError):
            remove(tmp_path / "f", missing_ok=False)

    def test_replace_link(self, tmp_path):
        replace_link(tmp_path / "live", "generations/1")
        replace_link(tmp_path / "live", "generations/2")
        assert os.readlink(tmp_path / "live") == "generations/2"
        (tmp_path / "d").mkdir()
        with pytest.raises(IsADirectoryError) as caught:
            replace_link(tmp_path / "d", "x")
        assert caught.value.filename == str(tmp_path / "d")
        assert temps(tmp_path) == []


class TestSweep:
    def test_removes_what_dead_processes_left_and_nothing_else(self, tmp_path):
        program = (
            "import os, sys; from kpstore.disk.durable import Batch; "
            "from pathlib import Path; b = Batch(); "
            "b.file(Path(sys.argv[1]) / 'f', b'x'); "
            "b.directory(Path(sys.argv[1]) / 'd').file('g', b'y'); os._exit(9)"
        )
        left = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], check=False
        )
        assert left.returncode == 9
        (tmp_path / "mine").touch()
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / f"{TEMP_PREFIX}deeper").touch()
        names = [path.name for path in tmp_path.glob(f"{TEMP_PREFIX}*")]
        assert len(names) == 2
        assert sweep_temporaries(tmp_path) == sorted(names)
        assert {path.name for path in tmp_path.iterdir()} == {"mine", "sub"}
        assert (tmp_path / "sub" / f"{TEMP_PREFIX}deeper").exists()

    def test_leaves_the_temps_of_a_living_process(self, tmp_path):
        with Batch() as importing:
            importing.file(tmp_path / "f", b"x")
            assert sweep_temporaries(tmp_path) == []
            importing.commit()
        assert (tmp_path / "f").read_bytes() == b"x"

    def test_a_reused_pid_is_not_the_maker(self, tmp_path):
        left = tmp_path / f"{TEMP_PREFIX}{os.getpid()}.1-00"
        left.touch()
        assert sweep_temporaries(tmp_path) == [left.name]

    def test_a_temp_without_a_maker_goes_too(self, tmp_path):
        (tmp_path / f"{TEMP_PREFIX}whatever").mkdir()
        assert sweep_temporaries(tmp_path) == [f"{TEMP_PREFIX}whatever"]

    def test_a_missing_directory_has_none(self, tmp_path):
        assert sweep_temporaries(tmp_path / "nothing") == []
