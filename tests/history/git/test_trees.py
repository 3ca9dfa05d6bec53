import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.history.git import trees
from kpstore.history.git.repository import Repository
from support.histories import git, make

NAMES = st.sampled_from(["a", "a.b", "a-b", "b", "ab", "a0"])
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/".join(parts) + ".f"),
    st.binary(max_size=3),
    max_size=8,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    return make(tmp_path_factory.mktemp("trees") / "state.git")


def read(repository: Repository, root: str) -> dict[str, bytes]:
    return {
        path: repository.blob(now.id)
        for path, _, now in trees.compare(repository, None, root)
        if now
    }


@settings(max_examples=60, deadline=None)
@given(old=FILES, new=FILES)
def test_a_tree_is_what_its_files_are_whatever_way_led_there(
    repository: Repository, old: dict[str, bytes], new: dict[str, bytes]
) -> None:
    first, objects = trees.build(repository, None, old)
    repository.write(objects)
    assert read(repository, first) == old
    edits: dict[str, bytes | None] = dict.fromkeys(old.keys() - new.keys())
    second, objects = trees.build(repository, first, edits | new)
    repository.write(objects)
    direct, _ = trees.build(repository, None, new)
    assert second == direct
    found = {path for path, _, _ in trees.compare(repository, first, second)}
    assert found == {
        path for path in old.keys() | new.keys() if old.get(path) != new.get(path)
    }


def test_git_finds_nothing_wrong(repository: Repository) -> None:
    names = ["a", "a.b", "a-b", "a0", "ab/x", "a.b.c/y"]
    root, objects = trees.build(repository, None, dict.fromkeys(names, b"x"))
    repository.write(objects)
    assert git(repository.path, "ls-tree", "-r", "--name-only", root).split() == sorted(
        names
    )
    assert "error" not in git(repository.path, "fsck", "--strict", "--full")


def test_only_changed_directories_are_new(repository: Repository) -> None:
    files = {f"d{n}/f{m}": b"%d %d" % (n, m) for n in range(9) for m in range(9)}
    root, objects = trees.build(repository, None, files)
    repository.write(objects)
    _, objects = trees.build(repository, root, {"d1/f1": b"new", "d2/f2": b"2 2"})
    assert len(objects) == 3  # the file, its directory, the root


def test_what_stays_the_same_is_no_object(repository: Repository) -> None:
    root, objects = trees.build(repository, None, {"a/b": b"x"})
    repository.write(objects)
    assert trees.build(repository, root, {"a/b": b"x", "c/d": None}) == (root, [])


def test_the_last_file_takes_its_directory_along(repository: Repository) -> None:
    root, objects = trees.build(repository, None, {"a/b/c": b"x", "d": b"y"})
    repository.write(objects)
    root, objects = trees.build(repository, root, {"a/b/c": None})
    repository.write(objects)
    assert list(repository.tree(root)) == ["d"]
