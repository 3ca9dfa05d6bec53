import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from kpstore.disk.processes import boot_id
from kpstore.errors import Conflict, CorruptState, Locked
from kpstore.history.git import refs
from kpstore.history.paths import MAIN
from support.histories import SITE, commit, git, grow, image, make

A, B = "a" * 40, "b" * 40
HOST = "head1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "state.git").path


def test_an_absent_ref_is_none(path: Path) -> None:
    assert refs.read(path, MAIN) is None


def test_a_loose_ref_wins_over_a_packed_one(path: Path) -> None:
    (path / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted \n{A} {MAIN}\n^{B}\n"
    )
    assert refs.read(path, MAIN) == A
    (path / MAIN).write_text(f"{B}\n")
    assert refs.read(path, MAIN) == B


@pytest.mark.parametrize(
    "content", ["", "\n", A[:39], A + A, A.upper(), "ref: refs/heads/x\n", A + "\n\n"]
)
def test_a_ref_that_is_no_id_is_corrupt_not_absent(path: Path, content: str) -> None:
    (path / MAIN).write_text(content)
    with pytest.raises(CorruptState, match="instead of a commit id"):
        refs.read(path, MAIN)


@pytest.mark.parametrize("line", [A, f"{A}\trefs/heads/main", "short refs/x", f"{A} "])
def test_a_damaged_packed_refs_is_corrupt(path: Path, line: str) -> None:
    (path / "packed-refs").write_text(f"{line}\n")
    with pytest.raises(CorruptState, match="packed-refs"):
        refs.read(path, MAIN)


def test_a_ref_that_cannot_be_read_is_corrupt_not_absent(path: Path) -> None:
    (path / MAIN).mkdir()
    with pytest.raises(CorruptState, match="it is not a file"):
        refs.read(path, MAIN)


@pytest.mark.parametrize("name", ["main", "refs/../x", "refs/heads/a.lock", "refs//x"])
def test_a_name_that_leaves_refs_is_refused(path: Path, name: str) -> None:
    with pytest.raises(CorruptState, match="not the name of a ref"):
        refs.read(path, name)


def test_advance_compares_and_swaps(path: Path) -> None:
    refs.advance(path, MAIN, None, A, host=HOST, wait=0)
    refs.advance(path, MAIN, A, B, host=HOST, wait=0)
    assert refs.read(path, MAIN) == B
    for old in (None, A):
        with pytest.raises(Conflict, match="is at bbb"):
            refs.advance(path, MAIN, old, A, host=HOST, wait=0)
    assert refs.read(path, MAIN) == B
    assert os.listdir(path / "refs/heads") == ["main"]


def test_a_foreign_lock_is_waited_for_and_left_alone(path: Path) -> None:
    lock = path / f"{MAIN}.lock"
    lock.write_text("")
    with pytest.raises(Locked, match="another program"):
        refs.advance(path, MAIN, None, A, host=HOST, wait=0.05)
    assert lock.exists()
    assert refs.read(path, MAIN) is None


def test_the_lock_of_a_living_kp_is_respected(path: Path) -> None:
    lock = path / f"{MAIN}.lock"
    lock.symlink_to(refs._tag(HOST))
    assert not refs.is_abandoned(lock, host=HOST)
    with pytest.raises(Locked, match=f"kp on {HOST}, pid {os.getpid()}"):
        refs.advance(path, MAIN, None, A, host=HOST, wait=0)


@pytest.mark.parametrize(
    ("tag", "gone"),
    [
        (f"kp {boot_id()} 999999999.5 {HOST}", True),
        (f"kp {boot_id()} {os.getpid()}.1 {HOST}", True),
        (f"kp 0123456789abcdef {os.getpid()}.1 {HOST}", True),
        (f"kp 0123456789abcdef {os.getpid()}.1 other", False),
        ("kp something else", False),
    ],
    ids=["dead", "pid used again", "before a boot", "another host", "not a tag"],
)
def test_only_our_own_dead_are_buried(path: Path, tag: str, gone: bool) -> None:
    lock = path / f"{MAIN}.lock"
    lock.symlink_to(tag)
    if gone:
        refs.advance(path, MAIN, None, A, host=HOST, wait=0)
        assert not os.path.lexists(lock)
    else:
        with pytest.raises(Locked):
            refs.advance(path, MAIN, None, A, host=HOST, wait=0)
        assert os.path.lexists(lock)


def test_a_tag_fits_into_an_inode(path: Path) -> None:
    assert len(refs._tag("a-very-long-host-name.of.a.cluster.example.org")) < 60


def test_the_lock_of_a_killed_writer_is_reclaimed(path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from kpstore.history.git import refs
with refs._locked(Path({str(path)!r}), {MAIN!r}, {HOST!r}, 0):
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -9
    assert os.path.lexists(path / f"{MAIN}.lock")
    refs.advance(path, MAIN, None, A, host=HOST, wait=0)
    assert refs.read(path, MAIN) == A


def test_git_sees_the_lock(path: Path) -> None:
    repository = make(path.parent / "other.git")
    tip = grow(repository, SITE)[0]
    other = commit(repository, tip, image(), revision=2)
    with refs._locked(repository.path, MAIN, socket.gethostname(), 0):
        said = git(repository.path, "update-ref", MAIN, other, check=False)
    assert "main.lock': File exists" in said
    assert repository.tip(MAIN) == tip
    git(repository.path, "update-ref", MAIN, other)
    assert repository.tip(MAIN) == other


def test_deleting_removes_the_packed_one_too(path: Path) -> None:
    draft = "refs/kp/drafts/ann"
    text = f"# pack-refs with: sorted \n{A} refs/heads/x\n{B} {draft}\n"
    (path / "packed-refs").write_text(text)
    with pytest.raises(Conflict):
        refs.delete(path, draft, A, host=HOST, wait=0)
    refs.delete(path, draft, B, host=HOST, wait=0)
    assert refs.read(path, draft) is None
    assert refs.read_packed(path) == {"refs/heads/x": A}
    refs.advance(path, draft, None, A, host=HOST, wait=0)
    refs.delete(path, draft, A, host=HOST, wait=0)
    assert refs.names(path, "refs/kp/drafts/") == []


def test_names_are_loose_and_packed_without_locks(path: Path) -> None:
    (path / "packed-refs").write_text(f"{A} refs/kp/drafts/zoe\n{A} refs/heads/x\n")
    for user in ("ann", "zoe"):
        (path / f"refs/kp/drafts/{user}").write_text(f"{B}\n")
    (path / "refs/kp/drafts/bob.lock").write_text("")
    assert refs.names(path, "refs/kp/drafts/") == [
        "refs/kp/drafts/ann",
        "refs/kp/drafts/zoe",
    ]


@pytest.mark.parametrize(
    "folder", ["refs/heads", "refs/kp/drafts", "refs/kp/saved/ann"]
)
def test_what_the_dead_left_is_swept_wherever_kp_writes_refs(
    path: Path, folder: str
) -> None:
    lock = path / folder / "x.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.symlink_to(f"kp {'0' * 16} 1.1 {HOST}")
    assert refs.sweep_locks(path, HOST) == ["x.lock"]
    assert not os.path.lexists(lock)
