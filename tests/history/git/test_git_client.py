"""What real git says of the repository, and what it may do to it."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kpstore.errors import InvalidInput
from kpstore.history import drafts
from kpstore.history.git.repository import Repository
from kpstore.history.paths import MAIN
from kpstore.model.keys import Key
from support.histories import SITE, git, grow, image, make, nodes

if TYPE_CHECKING:
    from kpstore.model.documents import Document

ODD = ["a~1", "git~", "A.b+c", "x.lock", "kernel.json", "con", "git-1~2"]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


def test_fsck_strict_is_silent(repository: Repository) -> None:
    odd: dict[Key, Document] = {}
    for name in ODD:
        odd |= {
            Key(key.kind, key.name, name if key.within else "")
            if key.kind != "image"
            else Key("image", name): document
            for key, document in image().items()
        }
    grow(repository, SITE, odd, nodes(500), {Key("node", "n000001"): None})
    said = git(repository.path, "fsck", "--strict", "--full", "--no-dangling")
    assert said == ""


@pytest.mark.parametrize("name", ["git~1", "GIT~1", "gitmod~1", "gi7eba~1"])
def test_names_that_fsck_refuses_are_refused_by_kp(
    repository: Repository, name: str
) -> None:
    with pytest.raises(InvalidInput, match="is reserved"):
        grow(repository, SITE | {Key("image", name): image()[Key("image", "web")]})


def test_log_says_who_what_and_why(repository: Repository) -> None:
    grow(repository, SITE, image())
    assert git(repository.path, "log", "--format=%an|%ae|%cn|%s|%at", "main") == (
        "Ann Admin|Ann.Admin@head1|kp|a change|1700000002\n"
        "Ann Admin|Ann.Admin@head1|kp|a change|1700000001\n"
    )
    trailers = "--format=%(trailers:key=Kp-Revision,valueonly,separator=)"
    assert git(repository.path, "log", "-1", trailers, "main").strip() == "2"


def test_a_clone_has_everything(repository: Repository, tmp_path: Path) -> None:
    commits = grow(repository, SITE | image(), nodes(400))
    git(tmp_path, "clone", "-q", str(repository.path), "work")
    work = tmp_path / "work"
    assert git(work, "rev-parse", "HEAD").strip() == commits[-1]
    assert len(list((work / "nodes").iterdir())) > 100
    kept = git(repository.path, "cat-file", "-p", "main:site.json")
    assert (work / "site.json").read_text() == kept


def test_only_drafts_may_be_pushed(repository: Repository, tmp_path: Path) -> None:
    (tip,) = grow(repository, SITE | image())
    git(tmp_path, "clone", "-q", str(repository.path), "work")
    work = tmp_path / "work"
    git(work, "commit", "-q", "--allow-empty", "-m", "mine")
    for ref in (
        "refs/heads/main",
        "refs/heads/other",
        "refs/tags/v1",
        "refs/kp/other",
        "refs/kp/drafts/a/b",
        "refs/kp/drafts/A",
        "refs/kp/draftsx",
        "refs/notes/x",
    ):
        said = git(work, "push", "--force", "origin", f"HEAD:{ref}", check=False)
        assert "is not for pushing" in said, ref
    said = git(work, "push", "origin", ":refs/heads/main", check=False)
    assert "rejected" in said
    assert repository.tip(MAIN) == tip
    assert git(repository.path, "for-each-ref").count("\n") == 1
    for user in ("ann", "A-é"):
        ref = drafts.ref_of(user)
        git(work, "push", "-q", "origin", f"HEAD:{ref}", KP_PUSHER=user)
    assert drafts.users(repository) == ["A-é", "ann"]


def test_a_broken_push_is_refused(repository: Repository, tmp_path: Path) -> None:
    """The repository checks what it is sent: transfer.fsckObjects."""
    grow(repository, SITE)
    git(tmp_path, "clone", "-q", str(repository.path), "work")
    work = tmp_path / "work"
    blob = git(work, "rev-parse", "HEAD:site.json").strip()
    tree = subprocess.run(
        ["git", "mktree"],
        cwd=work,
        input=f"100644 blob {blob}\t..\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    made = git(work, "commit-tree", "-p", "HEAD", "-m", "x", tree).strip()
    ref = "refs/kp/drafts/ann"
    said = git(work, "push", "origin", f"{made}:{ref}", check=False, KP_PUSHER="ann")
    assert "hasDotdot" in said
    assert repository.peek(ref) is None


def test_gc_by_hand_changes_no_answer(repository: Repository) -> None:
    commits = grow(repository, SITE | image(), nodes(200), image("db"))
    git(repository.path, "gc", "-q", "--prune=now")
    fresh = Repository(repository.path)
    assert fresh.tip(MAIN) == commits[-1]
    assert git(repository.path, "fsck", "--strict", "--full") == ""
