import errno
import os
from pathlib import Path

import pytest

from kpstore.disk import exchange as module
from kpstore.disk.exchange import exchange


def test_two_names_change_places(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "l").symlink_to("x")
    exchange(tmp_path / "d", tmp_path / "l")
    assert os.readlink(tmp_path / "d") == "x"
    assert (tmp_path / "l").is_dir()


def test_by_directory_descriptors(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f").write_text(name)
    one = os.open(tmp_path / "one", os.O_RDONLY)
    two = os.open(tmp_path / "two", os.O_RDONLY)
    try:
        exchange(Path("f"), Path("f"), first_dir_fd=one, second_dir_fd=two)
    finally:
        os.close(one)
        os.close(two)
    assert (tmp_path / "two" / "f").read_text() == "one"
    assert (tmp_path / "one" / "f").read_text() == "two"


def test_a_missing_name_changes_nothing(tmp_path):
    (tmp_path / "d").mkdir()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "d", tmp_path / "nothing")
    assert os.listdir(tmp_path) == ["d"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_it_is_unsupported_the_error_says_so(tmp_path, monkeypatch, number):
    def refuse(*_args):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(module, "rename_with_flags", refuse)
    with pytest.raises(OSError, match="can't exchange names") as caught:
        exchange(tmp_path / "a", tmp_path / "b")
    assert caught.value.errno == errno.EOPNOTSUPP
    assert caught.value.filename == str(tmp_path / "a")
