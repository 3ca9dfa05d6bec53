import os
import sys
from types import SimpleNamespace

import pytest

from kpstore.disk.space import Free, free, human, require
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
    assert "8.0 MiB needed, 8.0 MiB free" in caught.value.message
    assert "nothing was written" in caught.value.hint


def test_too_few_inodes_are_named(small, tmp_path):
    with pytest.raises(Refused, match="13 new files needed, 12 inodes free"):
        require(tmp_path, 1, 13)


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
