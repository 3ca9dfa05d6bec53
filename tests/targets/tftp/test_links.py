"""Reading what may be anything: nothing is waited for, and nothing followed."""

import errno
import os
from pathlib import Path

import pytest

from kpstore.targets.tftp.format.links import confined, names_in, read_file, sha256_of


@pytest.mark.parametrize(
    ("text", "leads"),
    [
        ("inside", "inside"),
        ("inside/../inside/deep", "inside/deep"),
        ("chain", "inside"),
        ("none/yet", "none/yet"),
        ("/inside", None),
        ("../inside", None),
        ("inside/../../root/inside", None),
        ("way", None),
    ],
)
def test_a_way_that_stays_within_the_root(
    tmp_path: Path, text: str, leads: str | None
) -> None:
    root = tmp_path / "root"
    (root / "inside/deep").mkdir(parents=True)
    (root / "chain").symlink_to("inside")
    (root / "way").symlink_to(text)
    assert confined(root, "way") == (root / leads if leads else None)


def test_a_way_that_the_disk_does_not_tell_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "readlink", broken)
    assert confined(tmp_path, "way") is None


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    assert read_file(file) == b"x"
    assert sha256_of(file)
    for name in ("pipe", "link", "."):
        with pytest.raises(ValueError, match="not a regular file"):
            read_file(tmp_path / name)
        assert sha256_of(tmp_path / name) == ""
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none")


def test_a_link_to_a_folder_has_no_names(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/name").touch()
    (tmp_path / "link").symlink_to("folder")
    os.mkfifo(tmp_path / "pipe")
    assert names_in(tmp_path / "folder") == {"name"}
    assert names_in(tmp_path / "link") == names_in(tmp_path / "pipe") == set()
