import errno
import os
import stat

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.disk.newtree import NewTree
from kpstore.errors import Refused
from support.crash.seeded import replaced


@pytest.fixture
def tree(tmp_path):
    with Beneath.open(tmp_path) as beneath:
        yield beneath


def made(tree):
    with NewTree(tree, "lib/modules") as new:
        new.directory("kernel", 0o750)
        new.file("kernel/net/e1000.ko", iter([b"one", b"two"]))
        new.file("modules.dep", [], mode=0o600)
        new.link("alias", "kernel/net")
        new.finish()
    return new


def test_it_is_whole_under_its_temporary_name(tree, tmp_path):
    before = os.umask(0o077)
    try:
        new = made(tree)
    finally:
        os.umask(before)
    place = tmp_path / new.path
    assert place.parent == tmp_path / "lib/modules"
    assert place.name.startswith(TEMP_PREFIX)
    assert (place / "alias/e1000.ko").read_bytes() == b"onetwo"
    modes = {
        str(path.relative_to(place)): stat.S_IMODE(path.lstat().st_mode)
        for path in place.rglob("*")
        if not path.is_symlink()
    }
    assert modes == {
        "kernel": 0o750,
        "kernel/net": 0o755,
        "kernel/net/e1000.ko": 0o644,
        "modules.dep": 0o600,
    }
    assert stat.S_IMODE(place.stat().st_mode) == 0o755


def test_every_file_and_directory_is_synced(tree, tmp_path):
    synced = []
    real = os.fsync

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    with replaced(os, fsync=fsync):
        place = tmp_path / made(tree).path
    assert {str(path) for path in place.rglob("*") if not path.is_symlink()} | {
        str(place)
    } <= set(synced)
    order = [synced.index(str(place / name)) for name in ("kernel/net", "kernel", "")]
    assert order == sorted(order)


def test_more_files_than_may_be_open(tree, tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with NewTree(tree, "x") as new:
        for number in range(300):
            new.file(f"d/{number}", [b"%d" % number])
            assert len(os.listdir("/proc/self/fd")) < before + 140
        new.finish()
    assert len(list((tmp_path / new.path / "d").iterdir())) == 300
    assert len(os.listdir("/proc/self/fd")) == before


def test_unfinished_it_is_gone(tree, tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ZeroDivisionError), NewTree(tree, "x") as new:
        new.file("a/b", [b""])
        new.file("a/c", (1 // 0 for _ in "x"))
    assert os.listdir(tmp_path / "x") == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_failed_sync_is_told_with_the_files_name(tree, tmp_path):
    def fsync(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "no")

    with (
        replaced(os, fsync=fsync),
        pytest.raises(OSError, match="no") as failed,
        NewTree(tree, "x") as new,
    ):
        new.file("a", [b""])
        new.finish()
    assert str(failed.value.filename).endswith("/a")
    assert os.listdir(tmp_path / "x") == []


@pytest.mark.parametrize("name", ["", ".", "a/..", "a/"])
def test_what_is_no_name_is_refused(tree, name):
    with NewTree(tree, "x") as new, pytest.raises(Refused):
        new.file(name, [b""])


def test_nothing_is_written_twice_or_through_a_link(tree, tmp_path):
    (tmp_path / "outside").mkdir()
    with NewTree(tree, "x") as new:
        new.file("a", [b"1"])
        with pytest.raises(FileExistsError):
            new.file("a", [b"2"])
        new.link("out", str(tmp_path / "outside"))
        with pytest.raises((OSError, Refused)):
            new.file("out/file", [b"3"])
    assert os.listdir(tmp_path / "outside") == []
