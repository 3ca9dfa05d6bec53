import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kpstore.disk.space import Free, free, human, mount_of, require
from kpstore.errors import Refused


@pytest.fixture
def small(monkeypatch):
    """A file system with 8 MiB and 12 inodes for ordinary users."""
    answer = SimpleNamespace(
        f_bavail=2048, f_bfree=9999, f_frsize=4096, f_files=20, f_favail=12
    )
    monkeypatch.setattr(os, "statvfs", lambda path: answer)
    return answer


def test_counts_what_ordinary_users_have(small, tmp_path):
    assert free(tmp_path) == Free(8 << 20, 12)


def test_a_file_system_that_makes_inodes_as_needed(small, tmp_path):
    small.f_files = small.f_favail = 0
    assert free(tmp_path).inodes == sys.maxsize


def test_asks_the_nearest_existing_parent(tmp_path):
    real = os.statvfs(tmp_path)
    found = free(tmp_path / "not" / "yet")
    assert 0 < found.bytes <= real.f_blocks * real.f_frsize


def test_enough_is_enough(small, tmp_path):
    require(tmp_path, 8 << 20, 12)


def test_too_few_bytes_are_named(small, tmp_path):
    with pytest.raises(Refused) as caught:
        require(tmp_path, (8 << 20) + 1, 1)
    assert str(tmp_path) in caught.value.message
    assert "bytes are short: 8.0 MiB and 1 inodes needed" in caught.value.message
    assert "8.0 MiB and 12 inodes free" in caught.value.message
    assert f"no room on {mount_of(tmp_path)}, " in caught.value.message
    assert "nothing was written" in caught.value.hint


def test_too_few_inodes_are_named(small, tmp_path):
    said = "inodes are short: 1 B and 13 inodes needed, 8.0 MiB and 12 inodes free"
    with pytest.raises(Refused, match=said):
        require(tmp_path, 1, 13)


def test_both_may_be_short_where_nothing_is_yet(small, tmp_path):
    with pytest.raises(Refused, match="bytes and inodes are short"):
        require(tmp_path / "not" / "yet", 9 << 20, 13)


def test_a_file_system_is_named_by_where_it_is_mounted(tmp_path):
    assert str(mount_of(Path("/proc/self/status"))) == "/proc"
    found = mount_of(tmp_path / "not" / "yet")
    assert found.is_mount()
    assert tmp_path.is_relative_to(found)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (300 << 20, "300.0 MiB"),
        (5 << 50, "5120.0 TiB"),
    ],
)
def test_human(size, text):
    assert human(size) == text
