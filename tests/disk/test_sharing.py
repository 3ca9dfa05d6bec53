"""Folders that a group writes: what is made is the group's, whatever the umask."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.disk import sharing
from kpstore.disk.attributes import set_mode
from kpstore.disk.batch import Batch
from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import is_stale, temp_name
from kpstore.disk.durable import (
    make_directories,
    remove_tree,
    sweep_temporaries,
    write_file,
)
from kpstore.disk.locks import SiteLock
from kpstore.disk.newtree import NewTree
from kpstore.disk.reserve import Reserve, Room
from kpstore.disk.streams import make_young, staged
from kpstore.errors import Refused
from support.groups import GROUP, kinds, under
from support.privileges import bound_by_modes

SHARED_FOLDER, SHARED_FILE, CONSTANT = "drwxrwsr-x", "-rw-rw-r--", "-r--r--r--"


AS_ROOT = pytest.mark.system  # which `make test-system` is


# The last leaves a folder that its own maker can't enter, unless it is root.
@pytest.fixture(params=[0o022, 0o077, pytest.param(0o177, marks=AS_ROOT)], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    with under(request.param):
        yield


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "shared"
    sharing.share(folder, GROUP)
    make_directories(folder)
    yield folder
    sharing.share(folder, None)


def make_all(folder: Path) -> None:
    """Make one of each thing that kp makes, by each way that it has."""
    write_file(folder / "new/deep/file", b"x")
    write_file(folder / "private", b"x", mode=0o640)
    with Batch(temps=folder) as batch:
        made = batch.directory(folder / "batch", mode=0o750)
        made.file("file", b"x")
        made.directory("inner").copy("object", folder / "private")
        made.hardlink("again", folder / "private")
        batch.commit()
    with staged(folder / "store") as temp:
        temp.write(b"x")
        temp.keep(folder / "store/ab/cd", mode=0o444)
    with Beneath.open(folder) as tree:
        tree.makedirs("boot/kp")
        tree.write("boot/kp/file", b"x")
        tree.copy_in("boot/kp/object", folder / "private")
        with NewTree(tree, "boot") as new:
            new.file("modules/a.ko", [b"x"])
            new.finish()
        tree.rename(new.path, "boot/tree")
    with SiteLock(folder / "lock", holder="ann").hold(0, lambda _: None):
        pass
    sharing.begin_file(folder / "index")


def test_what_is_made_is_the_groups(shared: Path, umask: None) -> None:
    make_all(shared)
    found = kinds(shared)
    assert {text for text, _ in found.values()} == {
        SHARED_FOLDER,
        SHARED_FILE,
        CONSTANT,
    }
    assert {group for _, group in found.values()} == {GROUP}
    assert found["private"][0] == SHARED_FILE  # read by all, for it is no secret here
    assert [name for name, (text, _) in found.items() if text == CONSTANT] == [
        "batch/inner/object",
        "boot/kp/object",
        "store/ab/cd",
    ]


def test_folders_that_lost_their_bits_are_no_reason_to_lose_more(shared: Path) -> None:
    (shared / "new").mkdir()
    for lost in (shared, shared / "new"):
        os.chown(lost, -1, os.getegid())
        lost.chmod(0o755)
    make_all(shared)
    found = kinds(shared)
    del found["new"]
    assert {group for _, group in found.values()} == {GROUP}


def test_a_reserve_is_the_groups_to_give_up(shared: Path) -> None:
    with under(0o077):
        Reserve(shared / "reserve", Room(4096, 1)).keep()
    assert kinds(shared) == {
        "reserve": ("drwxrws---", GROUP),
        "reserve/00": ("-rw-rw----", GROUP),
        "reserve/blocks": ("-rw-rw----", GROUP),
    }


def test_beside_a_shared_folder_all_is_as_ever(shared: Path) -> None:
    other = shared.with_name("shared-not")
    make_directories(other)
    other.chmod(0o2775)  # an administrator's: no reason for kp to do as if
    make_all(other)
    found = kinds(other)
    assert {text for text, _ in found.values()} == {
        "-r--r--r--",
        "-rw-r-----",
        "-rw-r--r--",
        "drwxr-x---",
        "drwxr-xr-x",
    }
    assert not (other / "index").exists()  # SQLite's own, as before


def test_a_folder_that_is_being_filled_lets_the_group_in(shared: Path) -> None:
    with under(0o077), Batch() as batch:
        batch.directory(shared / "made").directory("inner")
        found = kinds(shared)
    assert {text for text, _ in found.values()} == {"drwxrws---"}
    assert len(found) == 2


def test_verify_and_mending_agree_about_modes(shared: Path) -> None:
    file = shared / "file"
    for mode in (0o644, 0o664):
        write_file(file, b"x")
        file.chmod(mode)
        assert sharing.fits(file, file.stat().st_mode, 0o644)
        set_mode(file, 0o644)
        assert stat.S_IMODE(file.stat().st_mode) == mode  # nobody fights over it
    for mode in (0o600, 0o666, 0o755, 0o4644):
        file.chmod(mode)
        assert not sharing.fits(file, file.stat().st_mode, 0o644)
        set_mode(file, 0o644)
        assert stat.S_IMODE(file.stat().st_mode) == 0o664
    for mode in (0o755, 0o775, 0o2755, 0o2775):
        shared.chmod(mode)
        assert sharing.fits(shared, shared.stat().st_mode, 0o755)
    for mode in (0o700, 0o777, 0o3775):
        shared.chmod(mode)
        assert not sharing.fits(shared, shared.stat().st_mode, 0o755)


@pytest.mark.parametrize("regrouped", [False, pytest.param(True, marks=AS_ROOT)])
def test_what_lost_its_share_is_named_and_given_back(
    shared: Path, regrouped: bool
) -> None:
    make_all(shared)
    assert list(sharing.lost(shared)) == []
    (shared / "batch").chmod(0o755)
    (shared / "new").chmod(0o3775)
    (shared / "private").chmod(0o640)
    if regrouped:
        os.chown(shared / "store", -1, GROUP + 1)
    (shared / "lost").symlink_to("nowhere")
    seen = list(sharing.lost(shared))
    assert not any(each.mended for each in seen)
    found = {str(each.path.relative_to(shared)): each.why for each in seen}
    assert found == {
        "batch/again": "mode 0640, not 0664",  # the same file as `private`
        "batch": "mode 0755, not 2775",
        "new": "mode 3775: sticky, so that each removes only what is theirs",
        "private": "mode 0640, not 0664",
    } | (
        {"store": f"group {GROUP + 1}, not {sharing.name_of(GROUP)}"}
        if regrouped
        else {}
    )
    mended = list(sharing.lost(shared, mending=True))
    assert {each.path for each in mended} == {each.path for each in seen} - {
        shared / "batch/again"
    }
    assert all(each.mended for each in mended)
    assert list(sharing.lost(shared)) == []


def test_what_is_private_need_not_be_read_by_others(shared: Path) -> None:
    write_file(shared / "keys/secret", b"x", mode=0o600)
    assert [each.path.name for each in sharing.lost(shared)] == ["secret"]
    assert list(sharing.lost(shared, private=["keys"])) == []


def test_who_is_a_member_is_asked_of_the_accounts() -> None:
    account = pwd.getpwuid(os.getuid())
    assert sharing.is_member(account.pw_uid, account.pw_gid)  # their first group
    assert not sharing.is_member(account.pw_uid, 987654)
    assert not sharing.is_member(987654, account.pw_gid)  # an account that is gone


def test_a_stranger_is_told_the_group_and_the_way_into_it(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing.share(shared, 0)
    monkeypatch.setattr(os, "geteuid", lambda: 987654)
    monkeypatch.setattr(os, "getegid", lambda: 987654)
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(Refused) as refused, staged(shared / "store/ab"):
        pass
    assert refused.value.message == f"only members of group root change {shared}"
    assert refused.value.hint == "as root: usermod -aG root 987654, then log in again"
    lock = SiteLock(shared / "lock", holder="x")
    with pytest.raises(Refused), lock.hold(0, lambda _: None):
        pass
    monkeypatch.setattr(sharing, "is_member", lambda *_: True)
    with pytest.raises(Refused) as refused:
        sharing.check_writer(shared)
    assert "log in again" in refused.value.hint


def test_what_a_hidden_process_of_another_writes_is_not_swept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another user's process that /proc doesn't show (hidepid) may be alive."""

    def hides(process: int, _: int) -> None:
        raise PermissionError if process == 2**22 + 1 else ProcessLookupError

    monkeypatch.setattr(os, "kill", hides)
    mine = temp_name().partition(".")[0].removeprefix(".kp-tmp-")
    assert not is_stale(f".kp-tmp-{2**22 + 1}.77-abc")
    assert is_stale(f".kp-tmp-{2**22 + 2}.77-abc")
    assert is_stale(".kp-tmp-0.77-abc")
    assert is_stale(f".kp-tmp-{mine}.77-abc")


def test_a_link_that_the_kernel_refuses_becomes_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def protected(*_: object, **__: object) -> None:
        raise PermissionError

    write_file(tmp_path / "source", b"bytes", mode=0o444)
    monkeypatch.setattr(os, "link", protected)
    with Batch() as batch:
        batch.directory(tmp_path / "made").hardlink("name", tmp_path / "source")
        batch.commit()
    assert (tmp_path / "made/name").read_bytes() == b"bytes"
    assert (tmp_path / "made/name").stat().st_nlink == 1
    assert stat.S_IMODE((tmp_path / "made/name").stat().st_mode) == 0o444


def test_anothers_file_is_not_made_young(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError

    write_file(tmp_path / "file", b"x")
    monkeypatch.setattr(os, "utime", refused)
    assert not make_young(tmp_path / "file")


def test_an_empty_folder_that_nobody_may_open_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its maker was killed before it let the group in."""
    opened = os.open

    def closed(path: object, *more: object, **names: object) -> int:
        if ".kp-tmp-" in str(path):
            raise PermissionError
        return opened(path, *more, **names)  # type: ignore[arg-type, call-overload]

    (tmp_path / "gone").mkdir()
    monkeypatch.setattr(os, "open", closed)
    remove_tree(tmp_path / "gone")
    assert list(tmp_path.iterdir()) == []


@AS_ROOT
def test_a_folder_that_lets_nobody_in_stops_no_sweep(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0o700)
    os.chown(tmp_path / "closed", 4001, 4001)
    with bound_by_modes():
        assert sweep_temporaries(tmp_path / "closed") == []


def test_no_link_leads_out_of_what_is_mended(shared: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir(0o700)
    (other / "file").touch(0o600)
    (shared / "folder").symlink_to(other)
    (shared / "file").symlink_to(other / "file")
    (shared / "mine").mkdir(0o700)
    assert [each.path.name for each in sharing.lost(shared, mending=True)] == ["mine"]
    assert [text for text, _ in kinds(other).values()] == ["-rw-------"]
    shared.rename(tmp_path / "gone")
    shared.symlink_to(other)
    assert list(sharing.lost(shared, mending=True)) == []
