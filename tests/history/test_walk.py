from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.history import walk
from kpstore.history.git.repository import Repository, id_of, new_commit
from support.histories import SITE, commit, grow, image, make


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


def test_a_commit_s_number_is_its_place_on_main(repository: Repository) -> None:
    commits = grow(repository, SITE, image("a"), image("b"), image("c"))
    for number, each in enumerate(commits, 1):
        assert walk.revision_of(repository, commits[-1], each) == number
    assert walk.revision_of(repository, commits[1], commits[2]) is None


def test_a_commit_beside_main_is_not_on_it(repository: Repository) -> None:
    commits = grow(repository, SITE, image("a"), image("b"))
    beside = commit(repository, commits[0], image("x"), revision=2)
    assert not walk.on_chain(repository, commits[-1], beside)
    assert not walk.on_chain(repository, commits[-1], "a" * 40)


def test_a_merge_on_main_is_refused(repository: Repository) -> None:
    commits = grow(repository, SITE, image("a"))
    merge = new_commit(
        tree=repository.commit(commits[1]).tree,
        parents=commits,
        author="x <x>",
        committer="x <x>",
        time=0,
        message=b"merge",
    )
    repository.write([merge])
    with pytest.raises(CorruptState, match="is a merge"):
        list(walk.chain(repository, id_of(merge)))
