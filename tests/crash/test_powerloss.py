"""The power-loss model leaves exactly the states that it should."""

import ctypes
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.crash import failedsync, ptrace
from support.crash.diskmodel import Mode
from support.crash.parallel import WorkerError
from support.crash.powerloss import examine
from support.crash.recorder import NotModelledError
from support.crash.script import Ack, Script
from support.crash.trees import capture

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)
OLD, NEW = "oldoldold", "newnewnew"


def setup(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "old").write_text(OLD)


def shown(root: Path) -> str:
    """The tree in one line, without what setup made and nobody touched."""
    parts = []
    for path, node in capture(root).items():
        data = node.data.decode().replace("\0", "0")
        if path and (path, data) not in {("sub", ""), ("old", OLD)}:
            parts.append(f"{path}={data}" if data else path)
    gone = [f"-{name}" for name in ("old", "sub") if not (root / name).exists()]
    return " ".join(parts + gone)


def states(
    change: Callable[[Path], object], mode: Mode = "strict", acks: str = "end"
) -> set[str]:
    """Every state that a cut may leave once `change` has returned (acked "end")."""
    final = ""

    def operation(root: Path, ack: Ack) -> None:
        change(root)
        ack("end")

    def check(root: Path, acked: list[str]) -> list[str]:
        nonlocal final
        if not final:  # the undisturbed run
            final = "seen"
            return []
        return [f"state: {shown(root)}"] if acked == [acks] else []

    report = examine(Script("model", setup, operation, check), mode, workers=1)
    return {each.wrong.removeprefix("state: ") for each in report.findings}


def put(path: Path, data: str = NEW, *, sync: bool = False, flags: int = 0) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    os.write(fd, data.encode())
    if sync:
        os.fsync(fd)
    os.close(fd)


def sync_dir(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


TORN = {"new", "new=000000000", "new=newn", "new=newnewnew"}


def test_a_new_file_may_be_missing_empty_zero_torn_or_whole() -> None:
    assert states(lambda root: put(root / "new")) == TORN | {""}


def test_fsync_of_the_file_is_not_fsync_of_its_directory() -> None:
    assert states(lambda root: put(root / "new", sync=True)) == {"", "new=newnewnew"}


def test_fsync_of_the_directory_is_not_fsync_of_the_file() -> None:
    def change(root: Path) -> None:
        put(root / "new")
        sync_dir(root)

    assert states(change) == TORN


def test_both_make_it_durable() -> None:
    def change(root: Path) -> None:
        put(root / "new", sync=True)
        sync_dir(root)

    assert states(change) == {"new=newnewnew"}


@pytest.mark.parametrize("how", ["sync", "syncfs"])
def test_sync_makes_everything_durable(how: str) -> None:
    def change(root: Path) -> None:
        put(root / "new")
        if how == "sync":
            os.sync()
        else:
            fd = os.open(root, os.O_RDONLY)
            ctypes.CDLL(None).syncfs(fd)

    assert states(change) == {"new=newnewnew"}


def test_fdatasync_does_not_keep_the_mode() -> None:
    modes = set()

    def operation(root: Path, ack: Ack) -> None:
        fd = os.open(root / "old", os.O_WRONLY)
        os.fchmod(fd, 0o600)
        os.fdatasync(fd)
        ack("synced")

    def check(root: Path, acks: list[str]) -> list[str]:
        modes.add((root / "old").stat().st_mode & 0o777)
        return [f"{len(modes)}"] if len(modes) > 1 and acks else []

    report = examine(Script("mode", setup, operation, check), workers=1)
    assert report.bad > 0


def test_fdatasync_of_a_directory_keeps_its_entries() -> None:
    def change(root: Path) -> None:
        put(root / "new", sync=True)
        fd = os.open(root, os.O_RDONLY)
        os.fdatasync(fd)

    assert states(change) == {"new=newnewnew"}


def test_osync_writes_are_durable_at_once() -> None:
    def change(root: Path) -> None:
        put(root / "new", flags=os.O_DSYNC)
        sync_dir(root)

    assert states(change) == {"new=newnewnew"}


def test_writes_in_place_may_be_half_done() -> None:
    found = states(lambda root: put(root / "old"))
    assert found == {"", "old=newnldold", "old=000000000", "old=newnewnew"}


def test_truncation_and_write_are_two_changes() -> None:
    found = states(lambda root: put(root / "old", "x", flags=os.O_TRUNC))
    assert found >= {"", "old", "old=x", "old=0", "old=xldoldold"}


def test_rename_in_one_directory_is_atomic() -> None:
    def change(root: Path) -> None:
        put(root / "new", sync=True)
        sync_dir(root)
        os.rename(root / "new", root / "old")

    assert states(change) == {"new=newnewnew", "old=newnewnew"}


def test_rename_to_another_directory_may_leave_the_old_name() -> None:
    def change(root: Path) -> None:
        os.rename(root / "old", root / "sub" / "old")
        sync_dir(root / "sub")

    assert states(change) == {f"sub/old={OLD}", f"sub/old={OLD} -old"}


def test_rename_to_another_directory_never_loses_the_file() -> None:
    def change(root: Path) -> None:
        os.rename(root / "old", root / "sub" / "old")
        sync_dir(root)

    assert states(change) == {f"sub/old={OLD} -old"}


def test_exchange_is_atomic() -> None:
    def change(root: Path) -> None:
        put(root / "new", sync=True)
        sync_dir(root)
        paths = [os.fsencode(root / name) for name in ("new", "old")]
        assert ctypes.CDLL(None).renameat2(-100, paths[0], -100, paths[1], 2) == 0

    assert states(change) == {"new=newnewnew", f"new={OLD} old=newnewnew"}


def test_links_carry_their_text_and_hard_links_their_file() -> None:
    def change(root: Path) -> None:
        os.symlink("old", root / "link")
        os.link(root / "old", root / "twin")

    found = states(change)
    assert found == {"", "link=old", f"twin={OLD}", f"link=old twin={OLD}"}


def test_an_unlinked_name_may_come_back() -> None:
    assert states(lambda root: os.unlink(root / "old")) == {"", "-old"}


def test_a_directory_and_what_is_in_it() -> None:
    def change(root: Path) -> None:
        os.mkdir(root / "dir")
        os.symlink("x", root / "dir" / "link")
        sync_dir(root / "dir")

    assert states(change) == {"", "dir dir/link=x"}


def test_a_file_without_a_name_that_gets_one() -> None:
    def change(root: Path) -> None:
        fd = os.open(root, os.O_TMPFILE | os.O_WRONLY)
        os.write(fd, NEW.encode())
        os.fsync(fd)
        parent = os.open(root, os.O_RDONLY)
        os.link(f"/proc/self/fd/{fd}", "new", src_dir_fd=parent, dst_dir_fd=parent)

    assert states(change) == {"", "new=newnewnew"}


def test_descriptors_of_directories_and_relative_paths_are_followed() -> None:
    def change(root: Path) -> None:
        os.chdir(root / "sub")
        os.mkdir("by-cwd")
        fd = os.open("..", os.O_RDONLY)
        os.symlink("x", "by-fd", dir_fd=fd)
        os.rename("by-fd", "sub/moved", src_dir_fd=fd, dst_dir_fd=fd)
        os.sync()

    assert states(change) == {"sub/by-cwd sub/moved=x"}


@pytest.mark.parametrize("how", ["copy_file_range", "sendfile"])
def test_copies_within_the_kernel_are_writes(how: str) -> None:
    def change(root: Path) -> None:
        source = os.open(root / "old", os.O_RDONLY)
        target = os.open(root / "new", os.O_WRONLY | os.O_CREAT)
        if how == "sendfile":
            os.sendfile(target, source, 0, 100)
        else:
            os.copy_file_range(source, target, 100)
        sync_dir(root)

    found = states(change)
    assert found == {"new", "new=oldo", "new=000000000", f"new={OLD}"}


def test_appending_and_seeking_writes_land_where_they_should() -> None:
    def change(root: Path) -> None:
        put(root / "old", "+", flags=os.O_APPEND)
        fd = os.open(root / "old", os.O_WRONLY)
        os.pwritev(fd, [b"#", b"!"], 3)
        os.lseek(fd, 12, os.SEEK_SET)
        os.writev(fd, [b"e", b"n", b"d"])
        os.fsync(fd)

    assert states(change) == {"old=old#!dold+00end"}


def test_ordered_mode_keeps_the_order_of_entries() -> None:
    def change(root: Path) -> None:
        os.mkdir(root / "sub" / "first")
        os.mkdir(root / "second")

    assert "second" in states(change)
    assert states(change, "ordered") == {
        "",
        "sub/first",
        "second sub/first",
    }


def test_ordered_mode_flushes_earlier_entries_with_any_fsync() -> None:
    def change(root: Path) -> None:
        os.mkdir(root / "sub" / "first")
        put(root / "new", sync=True)
        os.mkdir(root / "last")

    found = states(change, "ordered")
    assert found == {"new=newnewnew sub/first", "last new=newnewnew sub/first"}


def test_acks_count_from_the_moment_they_were_given() -> None:
    def operation(root: Path, ack: Ack) -> None:
        os.mkdir(root / "a")
        ack("made")
        sync_dir(root)
        ack("durable")

    def check(root: Path, acks: list[str]) -> list[str]:
        there = (root / "a").exists()
        return [] if there or not acks else [acks[-1]]

    report = examine(Script("acks", lambda root: None, operation, check))
    assert {each.wrong for each in report.findings} == {"made"}
    assert {each.call for each in report.findings} == {"after mkdir(a)"}


def test_many_pending_changes_are_sampled() -> None:
    found = states(lambda root: [os.mkdir(root / f"d{n:02}") for n in range(12)])
    one_missing = " ".join(f"d{n:02}" for n in range(12) if n != 5)
    assert {"", "d05", "d00 d01 d02", one_missing} <= found
    assert 40 < len(found) < 2**12


def test_what_the_model_cannot_see_is_refused() -> None:
    def change(root: Path) -> None:
        with open(root / "old", "r+b") as file:
            mmap.mmap(file.fileno(), 0)[0] = 0

    with pytest.raises(WorkerError, match=NotModelledError.__name__):
        states(change)


def test_a_rename_across_the_border_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="across the border"):
        states(lambda root: os.rename(root / "old", tmp_path / "out"))


def test_a_failed_sync_is_not_mended_by_a_second_one() -> None:
    def careless(root: Path, ack: Ack) -> None:
        with open(root / "old", "w") as file:
            file.write(NEW)
            file.flush()
            try:
                os.fsync(file.fileno())
            except OSError:
                os.fsync(file.fileno())
        ack("written")

    def check(root: Path, acks: list[str]) -> list[str]:
        return ["lost"] if acks and (root / "old").read_text() != NEW else []

    script = Script("sync twice", setup, careless, check)
    assert examine(script).bad == 0
    assert failedsync.examine(script).bad > 0
