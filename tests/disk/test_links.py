"""New links in a directory, and those of another that get a second name."""

import errno
import os

import pytest

from kpstore.disk.links import make_links

TEXTS = {"00": "../../shelves/a", "01": "../../shelves/b"}


def links_in(folder):
    return {path.name: os.readlink(path) for path in folder.iterdir()}


def inodes(folder):
    return {path.name: path.lstat().st_ino for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


@pytest.fixture
def like(tmp_path):
    (tmp_path / "old").mkdir()
    make_links(tmp_path / "old", TEXTS.items())
    return tmp_path / "old"


def test_links_have_their_texts(folder):
    make_links(folder, TEXTS.items())
    make_links(folder, TEXTS.items())  # as they are
    assert links_in(folder) == TEXTS
    with pytest.raises(FileExistsError):
        make_links(folder, {"00": "elsewhere"}.items())


def test_what_another_folder_has_too_gets_another_name(folder, like):
    make_links(folder, TEXTS.items(), like)
    assert links_in(folder) == TEXTS
    assert inodes(folder) == inodes(like)


def test_what_differs_there_is_made(folder, like):
    wanted = {"00": TEXTS["00"], "01": "../../shelves/c", "02": "../../shelves/d"}
    (like / "02").write_bytes(b"no link")
    make_links(folder, wanted.items(), like)
    assert links_in(folder) == wanted
    shared = {name for name, ino in inodes(folder).items() if ino == inodes(like)[name]}
    assert shared == {"00"}
    assert (like / "02").read_bytes() == b"no link"


@pytest.mark.parametrize("why", [errno.EMLINK, errno.EPERM, errno.EXDEV])
def test_where_no_second_name_can_be_given_the_link_is_made(
    folder, like, monkeypatch, why
):
    def refuse(*_, **more):
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(os, "link", refuse)
    make_links(folder, TEXTS.items(), like)
    assert links_in(folder) == TEXTS
