import os

import pytest

from kpstore.disk.tree import MAX_DEPTH, remove_tree_at, walk_at


@pytest.fixture
def swapped(tmp_path, monkeypatch):
    """A directory that becomes a link to the host right after it was looked at."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host" / "kept").touch()
    (tmp_path / "image" / "dir").mkdir(parents=True)
    (tmp_path / "image" / "link").symlink_to("../host")
    real = os.stat

    def stat(name, **options):
        found = real(name, **options)
        if name == "dir":
            os.rename(tmp_path / "image" / "dir", tmp_path / "image" / "away")
            os.rename(tmp_path / "image" / "link", tmp_path / "image" / "dir")
        return found

    image = os.open(tmp_path / "image", os.O_RDONLY)
    monkeypatch.setattr(os, "stat", stat)
    yield image
    os.close(image)
    assert os.listdir(tmp_path / "host") == ["kept"]


def test_removing_does_not_follow_a_directory_that_became_a_link(swapped):
    with pytest.raises(NotADirectoryError):
        remove_tree_at("dir", swapped)


def test_walking_does_not_follow_a_directory_that_became_a_link(swapped):
    with pytest.raises(NotADirectoryError):
        list(walk_at(swapped))


def test_what_is_nested_beyond_reason_is_removed(tmp_path):
    top = os.open(tmp_path, os.O_RDONLY)
    here = os.dup(top)
    for _ in range(3 * MAX_DEPTH):
        os.mkdir("d", dir_fd=here)
        os.close(os.open("file", os.O_CREAT, dir_fd=here))
        inside = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inside
    os.close(here)
    remove_tree_at("d", top)
    os.close(top)
    assert os.listdir(tmp_path) == ["file"]
