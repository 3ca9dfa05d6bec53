import os
import zlib
from contextlib import closing
from hashlib import sha1
from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.history.git import loose
from kpstore.history.git.objects import DIRECTORY, FILE, Entry, ForeignEntry
from kpstore.history.git.repository import (
    GitObject,
    Repository,
    id_of,
    new_blob,
    new_tree,
)
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot
from support.histories import SITE, commit, git, grow, image, make, nodes


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


def blobs(count: int) -> list[GitObject]:
    return [new_blob(b"content %d" % number) for number in range(count)]


def test_objects_are_read_back(repository: Repository) -> None:
    blob = new_blob(b"hello\n")
    tree = new_tree({"b": Entry(FILE, id_of(blob)), "a": Entry(FILE, id_of(blob))})
    repository.write([blob, tree])
    fresh = Repository(repository.path)
    assert fresh.blob(id_of(blob)) == b"hello\n"
    assert fresh.tree(id_of(tree)) == {
        "a": Entry(FILE, id_of(blob)),
        "b": Entry(FILE, id_of(blob)),
    }
    assert id_of(blob) == sha1(b"blob 6\0hello\n").hexdigest()


@pytest.mark.parametrize("count", [1, 24, 25, 300])
def test_many_objects_are_one_pack(repository: Repository, count: int) -> None:
    made = blobs(count)
    repository.write(made)
    packs = list((repository.path / "objects/pack").glob("*.pack"))
    assert len(packs) == (1 if count > 24 else 0)
    fresh = Repository(repository.path)
    for number, blob in enumerate(made):
        assert fresh.blob(id_of(blob)) == b"content %d" % number
    assert "error" not in git(repository.path, "fsck", "--strict", "--full")


def test_objects_in_a_pack_are_not_written_again(repository: Repository) -> None:
    made = blobs(50)
    repository.write(made)
    before = sorted(repository.path.rglob("*"))
    Repository(repository.path).write(made)
    assert sorted(repository.path.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"garbage", zlib.compress(b"blob 2\0no")])
def test_a_damaged_loose_object_is_replaced(
    repository: Repository, content: bytes
) -> None:
    blob = new_blob(b"good")
    repository.write([blob])
    path = loose.path_of(repository.path / "objects", id_of(blob))
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(CorruptState, match="damaged"):
        repository.blob(id_of(blob))
    repository.write([blob])
    assert repository.blob(id_of(blob)) == b"good"


def test_an_object_in_a_damaged_pack_is_written_loose(repository: Repository) -> None:
    made = blobs(50)
    repository.write(made)
    (pack,) = (repository.path / "objects/pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[12:-20] = bytes(len(data) - 32)
    pack.write_bytes(data)
    fresh = Repository(repository.path)
    with pytest.raises(CorruptState):
        fresh.blob(id_of(made[0]))
    fresh.write(made[:5])
    assert fresh.blob(id_of(made[0])) == b"content 0"


def test_two_objects_of_one_new_directory(repository: Repository) -> None:
    first: dict[str, GitObject] = {}
    for blob in blobs(400):
        other = first.setdefault(id_of(blob)[:2], blob)
        if other is not blob:
            repository.write([other, blob])
            assert repository.blob(id_of(other)) == other.as_raw_string()
            assert repository.blob(id_of(blob)) == blob.as_raw_string()
            return
    raise AssertionError("400 blobs and no two in one directory")


def test_missing_objects_are_corrupt_state(repository: Repository) -> None:
    with pytest.raises(CorruptState, match="is missing"):
        repository.blob("a" * 40)
    (repository.path / MAIN).write_text("a" * 40 + "\n")
    with pytest.raises(CorruptState, match="is missing"):
        repository.tip(MAIN)
    assert repository.peek(MAIN) == "a" * 40


def test_an_object_of_another_type_is_corrupt_state(repository: Repository) -> None:
    blob = new_blob(b"x")
    repository.write([blob])
    for read in (repository.tree, repository.commit):
        with pytest.raises(CorruptState, match="is not a"):
            read(id_of(blob))


def test_lookup_and_subtree(repository: Repository) -> None:
    tip = grow(repository, SITE | image())[0]
    tree = repository.commit(tip).tree
    assert repository.lookup(tree, "images/web/nothing") is None
    assert repository.lookup(tree, "site.json/x") is None
    found = repository.lookup(tree, "images/web")
    assert found is not None
    assert found.is_tree
    assert repository.subtree_id(tip, "images/web") == found.id
    shown = git(repository.path, "rev-parse", f"{tip}:images/web").strip()
    assert shown == found.id


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("link", 0o120000),
        ("module", 0o160000),
        ("run", 0o100755),
        ("..", DIRECTORY),
        (".git", DIRECTORY),
        ("a/b", FILE),
        ("new\nline", FILE),
        ("-rf", FILE),
        ("back\\slash", FILE),
        ("x" * 81, FILE),
    ],
)
def test_foreign_entries_are_refused(
    repository: Repository, name: str, mode: int
) -> None:
    blob = new_blob(b"x")
    tree = new_tree({name: Entry(mode, id_of(blob))})
    repository.write([blob, tree])
    with pytest.raises(ForeignEntry):
        repository.tree(id_of(tree))


def test_a_read_that_the_disk_refuses_is_said_so(repository: Repository) -> None:
    blob = new_blob(b"x")
    path = loose.path_of(repository.path / "objects", id_of(blob))
    path.mkdir(parents=True)
    with pytest.raises(CorruptState, match="it is not a file"):
        repository.blob(id_of(blob))


def test_packed_by_git_while_open(repository: Repository) -> None:
    commits = grow(repository, SITE | image(), nodes(300), {}, image("db"))
    reader = Repository(repository.path)
    assert len(Snapshot(reader, commits[1]).names("node")) == 300
    git(repository.path, "gc", "--prune=now", "-q")
    git(repository.path, "pack-refs", "--all")
    assert not (repository.path / MAIN).exists()
    assert reader.tip(MAIN) == commits[-1]
    for commit_id in commits:
        assert list(Snapshot(reader, commit_id).nodes()) == list(
            Snapshot(Repository(repository.path), commit_id).nodes()
        )
    git(repository.path, "repack", "-adfq")
    assert Snapshot(reader, commits[-1]).names("image") == ["db", "web"]
    tip = commit(reader, commits[-1], image("io"), revision=5)
    reader.advance(MAIN, commits[-1], tip, host="head1")
    assert git(repository.path, "rev-parse", "main").strip() == tip
    assert "error" not in git(repository.path, "fsck", "--strict", "--full")


def test_sweep_removes_only_what_the_dead_left(repository: Repository) -> None:
    tip = grow(repository, SITE)[0]
    folder = loose.path_of(repository.path / "objects", tip).parent
    for place in (folder, repository.path / "refs/heads", repository.path):
        (place / ".kp-tmp-999999999.1-dead-0").write_text("x")
    (folder / "tmp_obj_git").write_text("git's own")
    assert len(repository.sweep("head")) == 3
    assert repository.sweep("head") == []
    assert (folder / "tmp_obj_git").exists()
    assert repository.tip(MAIN) == tip


def test_closing_leaves_no_file_open(repository: Repository) -> None:
    repository.write(blobs(60))
    with closing(repository):
        repository.blob(id_of(new_blob(b"content 1")))
    opened = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.lexists(f"/proc/self/fd/{fd}")
    ]
    assert not [name for name in opened if str(repository.path) in name]
