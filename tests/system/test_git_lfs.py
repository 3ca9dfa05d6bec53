"""git-lfs on the repository: Debian package git-lfs, no server, no configuration."""

import hashlib
from pathlib import Path

import pytest

from kpstore.history.git.repository import Repository
from kpstore.model.documents import (
    ArtifactRef,
    Artifacts,
    Document,
    KernelConfig,
    Origin,
)
from kpstore.model.keys import Key
from support.histories import SITE, git, grow, image, make

pytestmark = pytest.mark.system

CONTENT = {
    "vmlinuz": b"kernel " * 1000,
    "initrd": b"first " * 500,
    "initrd-1": b"second " * 500,
    "System.map": b"map",
}
FOLDER = "images/web/kernels/k1"


def put(repository: Repository, data: bytes) -> ArtifactRef:
    """Lay an artifact where kp and git-lfs both look for it."""
    name = hashlib.sha256(data).hexdigest()
    path = repository.path / "lfs/objects" / name[:2] / name[2:4] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return ArtifactRef(sha256=name, size=len(data))


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make(tmp_path / "state.git")
    refs = {name: put(made, data) for name, data in CONTENT.items()}
    changes: dict[Key, Document] = SITE | image()
    changes[Key("kernel", "k1", "web")] = KernelConfig(
        release="6.1.0",
        arch="x86_64",
        origin=Origin(kind="files"),
        artifacts=Artifacts(
            vmlinuz=refs["vmlinuz"],
            initrd=(refs["initrd"], refs["initrd-1"]),
            system_map=refs["System.map"],
        ),
    )
    grow(made, changes)
    return made


@pytest.fixture
def clone(tmp_path: Path, repository: Repository) -> Path:
    """Clone as somebody who has run `git lfs install` would; nothing fetched yet."""
    git(tmp_path, "lfs", "version")  # fails, not skips, where it isn't installed
    home = tmp_path / "home"
    home.mkdir()
    git(tmp_path, "lfs", "install", "--skip-repo", HOME=str(home))
    skip = {"HOME": str(home), "GIT_LFS_SKIP_SMUDGE": "1"}
    git(tmp_path, "clone", "-q", f"file://{repository.path}", "work", **skip)
    return tmp_path / "work"


def home_of(clone: Path) -> str:
    return str(clone.parent / "home")


def test_pull_brings_the_real_files(clone: Path) -> None:
    for name in CONTENT:
        assert (clone / FOLDER / name).read_bytes().startswith(b"version https://git-")
    git(clone, "lfs", "pull", HOME=home_of(clone))
    for name, data in CONTENT.items():
        assert (clone / FOLDER / name).read_bytes() == data
    assert (clone / FOLDER / "kernel.json").read_bytes().startswith(b"{\n")
    assert git(clone, "status", "--short", HOME=home_of(clone)) == ""


def test_every_artifact_is_a_pointer_and_nothing_else_is(clone: Path) -> None:
    listed = git(clone, "lfs", "ls-files", "--name-only", HOME=home_of(clone))
    assert sorted(listed.split()) == sorted(f"{FOLDER}/{name}" for name in CONTENT)


def test_fsck_is_content_with_repository_and_clone(
    repository: Repository, clone: Path
) -> None:
    git(clone, "lfs", "pull", HOME=home_of(clone))
    for place in (repository.path, clone):
        for what in ("--objects", "--pointers"):
            said = git(place, "lfs", "fsck", what, "main", HOME=home_of(clone))
            assert "Git LFS fsck OK" in said


def test_fsck_finds_a_damaged_artifact(repository: Repository, clone: Path) -> None:
    name = hashlib.sha256(CONTENT["vmlinuz"]).hexdigest()
    path = repository.path / "lfs/objects" / name[:2] / name[2:4] / name
    path.write_bytes(b"other" * 1400)
    said = git(repository.path, "lfs", "fsck", "main", HOME=home_of(clone), check=False)
    assert name in said
    assert "OK" not in said


def test_git_lfs_leaves_the_configuration_alone(
    repository: Repository, clone: Path
) -> None:
    before = (repository.path / "config").read_bytes()
    git(repository.path, "lfs", "fsck", "main", HOME=home_of(clone))
    git(clone, "lfs", "pull", HOME=home_of(clone))
    assert (repository.path / "config").read_bytes() == before
