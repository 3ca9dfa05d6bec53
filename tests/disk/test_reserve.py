"""Room kept on a disk, and given up when it is short."""

import os
import sys
from pathlib import Path

import pytest

from kpstore.disk.reserve import SITE, TARGET, Reserve, Room
from kpstore.disk.space import Free, free

ROOM = Room(64 << 10, 4)
PLENTY = Free(1 << 40, sys.maxsize)


def disk(monkeypatch: pytest.MonkeyPatch, left: Free) -> None:
    monkeypatch.setattr("kpstore.disk.reserve.free", lambda _: left)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    disk(monkeypatch, PLENTY)
    return tmp_path / "reserve"


def test_it_is_real_blocks_and_inodes(home: Path) -> None:
    reserve = Reserve(home, ROOM)
    assert not reserve.is_whole()
    reserve.keep()
    assert reserve.is_whole()
    blocks = (home / "blocks").stat()
    assert blocks.st_size == ROOM.bytes
    assert blocks.st_blocks * 512 >= ROOM.bytes
    assert len(list(home.iterdir())) == ROOM.files + 1
    assert home.stat().st_mode & 0o777 == 0o700


def test_what_is_asked_for() -> None:
    assert Room(8 * 1024 * 1024, 32) == SITE
    assert Room(256 * 1024, 32) == TARGET


@pytest.mark.parametrize("times", [0, 1, 3])
def test_none_is_made_where_there_is_no_room_to_spare(
    home: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    for left in (
        Free(times * ROOM.bytes, sys.maxsize),
        Free(1 << 40, times * ROOM.files),
    ):
        disk(monkeypatch, left)
        Reserve(home, ROOM).keep()
        assert not home.exists()


def short(home: Path) -> None:
    os.truncate(home / "blocks", 100)


def holes(home: Path) -> None:
    (home / "blocks").unlink()
    (home / "blocks").touch()
    os.truncate(home / "blocks", ROOM.bytes)


def one_less(home: Path) -> None:
    (home / "02").unlink()


@pytest.mark.parametrize("damage", [short, holes, one_less])
def test_what_is_left_of_one_is_made_whole(home: Path, damage: object) -> None:
    reserve = Reserve(home, ROOM)
    reserve.keep()
    damage(home)  # type: ignore[operator]
    assert not reserve.is_whole()
    reserve.keep()
    assert reserve.is_whole()


def test_a_link_in_its_place_leads_nowhere(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home.symlink_to(elsewhere)
    reserve = Reserve(home, ROOM)
    assert not reserve.is_whole()
    reserve.keep()
    assert reserve.is_whole()
    assert list(elsewhere.iterdir()) == []


def test_it_is_given_up_where_room_is_short_and_only_there(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = Reserve(home, ROOM)
    assert not reserve.give_up()
    reserve.keep()
    assert not reserve.give_up()
    disk(monkeypatch, Free(1 << 40, 15 * ROOM.files))
    assert reserve.give_up()
    assert not home.exists()
    disk(monkeypatch, PLENTY)
    reserve.keep()
    disk(monkeypatch, Free(15 * ROOM.bytes, sys.maxsize))
    assert reserve.give_up()
    assert not reserve.give_up()


def test_its_folder_is_never_needed(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "not/there/reserve", ROOM)
    assert not reserve.give_up()
    assert not reserve.is_whole()
    reserve.remove()
    assert free(tmp_path).bytes
