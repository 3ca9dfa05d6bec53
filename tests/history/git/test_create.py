import os
from pathlib import Path

import pytest

from kpstore.errors import NotFound, Refused
from kpstore.history.git import create
from kpstore.history.git.repository import Repository
from kpstore.history.paths import MAIN
from support.histories import git


def test_git_accepts_the_empty_repository(tmp_path: Path) -> None:
    path = tmp_path / "state.git"
    create.create(path)
    assert "bare = true" in (path / "config").read_text()
    assert git(path, "fsck", "--strict").startswith("notice: HEAD points to an unborn")
    assert git(path, "config", "gc.auto").strip() == "0"
    assert git(path, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert os.access(path / "hooks/update", os.X_OK)
    assert Repository(path).tip(MAIN) is None


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(Refused, match="exists already"):
            create.create(path)


def test_no_repository_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no repository"):
        Repository(tmp_path / "state.git")


@pytest.mark.parametrize("part", [".", "objects", "refs"])
def test_a_linked_part_is_refused(tmp_path: Path, part: str) -> None:
    create.create(tmp_path / "real.git")
    create.create(tmp_path / "state.git")
    (tmp_path / "state.git" / part).resolve().rename(tmp_path / "moved")
    (tmp_path / "state.git" / part).symlink_to(tmp_path / "real.git" / part)
    with pytest.raises(Refused, match="not a directory"):
        Repository(tmp_path / "state.git")


def test_anybody_s_repository_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.git"
    create.create(path)
    (path / "objects").chmod(0o757)
    with pytest.raises(Refused, match="by anyone"):
        Repository(path)


@pytest.mark.system
def test_another_user_s_repository_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.git"
    create.create(path)
    os.chown(path / "objects", 65534, 65534)
    with pytest.raises(Refused, match="belongs to user 65534"):
        Repository(path)
