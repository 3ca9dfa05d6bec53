import errno
import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from kpstore.disk import locks
from kpstore.disk.locks import SiteLock
from kpstore.errors import DiskFailure, Locked, Refused

WAIT = 250  # seconds: for ever, but that a test ends

HOLDER = """
import sys, time
from pathlib import Path
from kpstore.disk.locks import SiteLock
lock = SiteLock(Path(sys.argv[1]), holder="anna: kp commit")
with lock.hold(0, print, since="2026-11-22 03:00"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


@contextmanager
def held_elsewhere(path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def never(_holder):
    raise AssertionError("nobody should wait")


def test_the_holder_is_written_and_wiped(path):
    lock = SiteLock(path, holder="anna:\nkp commit")
    with lock.hold(0, never, since="03:00"):
        expected = f"anna: kp commit (pid {os.getpid()}) since 03:00"
        assert SiteLock(path, holder="bob").holder() == expected
        assert path.read_text() == f"{expected}\n"
    assert lock.holder() == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_longer_line_of_a_killed_holder_is_replaced_whole(path):
    path.write_text("x" * 500 + "\n")
    with SiteLock(path, holder="anna").hold(0, never):
        assert path.read_text() == f"anna (pid {os.getpid()})\n"


def test_another_process_is_named_at_once_without_waiting(path, monkeypatch):
    monkeypatch.setattr(time, "sleep", never)
    with held_elsewhere(path) as other:
        with (
            pytest.raises(Locked) as caught,
            SiteLock(path, holder="bob").hold(0, never),
        ):
            pass
        assert f"anna: kp commit (pid {other.pid})" in caught.value.message
        assert "since 2026-11-22 03:00" in caught.value.message


def test_waiting_is_told_once_and_ends(path):
    told = []
    with held_elsewhere(path):
        began = time.monotonic()
        with (
            pytest.raises(Locked, match=r"more than 1\.3 s"),
            SiteLock(path, holder="bob").hold(1.3, told.append),
        ):
            pass
        assert time.monotonic() - began > 1.2
    assert len(told) == 1
    assert "anna: kp commit" in told[0]


def test_a_holder_that_ends_lets_the_waiting_one_in(path):
    with held_elsewhere(path) as other:
        with SiteLock(path, holder="bob").hold(WAIT, lambda _: other.stdin.close()):
            assert "bob" in path.read_text()
        other.stdin = None


def test_a_killed_holder_frees_the_lock(path):
    with held_elsewhere(path) as other:
        other.kill()
        other.wait()
        assert "anna" in path.read_text()
        with SiteLock(path, holder="bob").hold(0, never):
            assert "bob" in path.read_text()


def test_an_error_in_the_block_frees_the_lock(path):
    lock = SiteLock(path, holder="anna")
    with pytest.raises(ZeroDivisionError), lock.hold(0, never):
        _ = 1 / 0
    with lock.hold(0, never):
        pass


def test_what_a_killed_or_failed_holder_said_stays_until_somebody_swept(path):
    def next_holder(*, sweeps):
        with SiteLock(path, holder="bob").hold(0, never) as hold:
            found = hold.left
            hold.left = "" if sweeps else found
        return found

    with held_elsewhere(path) as other:
        other.kill()
        other.wait()
    assert "anna" in next_holder(sweeps=False)
    assert "anna" in next_holder(sweeps=True)
    assert next_holder(sweeps=False) == ""
    with (
        pytest.raises(ZeroDivisionError),
        SiteLock(path, holder="carl").hold(0, never),
    ):
        _ = 1 / 0
    assert "carl" in next_holder(sweeps=True)


def test_holding_twice_in_a_thread_fails_at_once(path, tmp_path):
    lock = SiteLock(path, holder="anna")
    (tmp_path / "link").symlink_to(tmp_path)
    same = SiteLock(tmp_path / "link" / "lock", holder="anna")
    with lock.hold(0, never):
        for again in (lock, same):
            with (
                pytest.raises(Locked, match="this very thread"),
                again.hold(WAIT, never),
            ):
                pass
        assert lock.holder() != ""
    with lock.hold(0, never):
        pass


def test_another_thread_waits_like_another_process(path):
    order = []
    lock = SiteLock(path, holder="anna")
    waits = threading.Event()

    def second():
        with lock.hold(WAIT, lambda _: waits.set()):
            order.append("second")

    with lock.hold(0, never):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(WAIT)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_full_disk_does_not_stop_the_lock(path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with SiteLock(path, holder="anna").hold(0, never):
        assert locks._held


def test_a_link_in_the_locks_place_is_not_followed(path, tmp_path):
    (tmp_path / "victim").write_text("kept")
    path.symlink_to("victim")
    with SiteLock(path, holder="x").hold(0, never):
        assert SiteLock(path, holder="y").is_held()
        assert not path.is_symlink()
    assert (tmp_path / "victim").read_text() == "kept"


def test_a_fifo_or_empty_folder_in_the_locks_place_gives_way(path):
    for put in (os.mkfifo, os.mkdir):
        put(path)
        assert not SiteLock(path, holder="y").is_held()
        with SiteLock(path, holder="x").hold(0, never):
            assert path.is_file()
        path.unlink()


def test_a_folder_with_something_in_the_locks_place_is_kept(path):
    (path / "mine").mkdir(parents=True)
    with pytest.raises(Refused, match="is a folder"):
        SiteLock(path, holder="x").hold(0, never).__enter__()
    assert (path / "mine").is_dir()


COUNT = """
import sys
from pathlib import Path
from kpstore.disk.locks import SiteLock
lock, number = SiteLock(Path(sys.argv[1]), holder="counting"), Path(sys.argv[2])
for _ in range(40):
    with lock.hold(250, lambda holder: None):
        number.write_text(str(int(number.read_text()) + 1))
"""


def test_two_processes_never_write_at_once(path, tmp_path):
    (tmp_path / "number").write_text("0")
    command = [sys.executable, "-c", COUNT, str(path), str(tmp_path / "number")]
    for process in [subprocess.Popen(command) for _ in range(2)]:
        assert process.wait() == 0
    assert (tmp_path / "number").read_text() == "80"


def test_whether_it_is_held_is_asked_without_waiting(tmp_path) -> None:
    lock = SiteLock(tmp_path / "lock", holder="ann")
    assert not lock.is_held()
    with lock.hold(1, print):
        assert SiteLock(tmp_path / "lock", holder="bob").is_held()
    assert not lock.is_held()


def test_a_file_system_without_flock_is_refused_and_not_emulated(path, monkeypatch):
    """A soft lock is a file that outlives its killed holder."""

    def unsupported(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(DiskFailure), SiteLock(path, holder="ann").hold(0, print):
        pytest.fail("it was held by nothing")
