"""Mode and owner of a name itself."""

import os
import stat
from pathlib import Path

import pytest

from kpstore.disk.attributes import set_mode, set_owner


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_mode_is_set_or_added_to(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(0o600)
    set_mode(file, 0o044, also=True)
    assert mode(file) == 0o644
    set_mode(file, 0o400)
    assert mode(file) == 0o400


def test_no_link_is_followed(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch(0o600)
    link.symlink_to("file")
    set_mode(link, 0o777)
    set_owner(link, os.geteuid())
    assert mode(file) == 0o600


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    set_mode(tmp_path / "pipe", 0o644)
    assert mode(tmp_path / "pipe") == 0o644


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        set_owner(tmp_path / "none", 0)
    assert error.value.filename == str(tmp_path / "none")
