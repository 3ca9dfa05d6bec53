import random
from pathlib import Path

import pytest

from kpstore.errors import Conflict, CorruptState, InvalidInput
from kpstore.history import codec, drafts, owners
from kpstore.history.git import sizes, trees
from kpstore.history.git.objects import DIRECTORY, FILE, Entry, ForeignEntry
from kpstore.history.git.repository import (
    GitObject,
    Repository,
    id_of,
    new_blob,
    new_commit,
    new_tree,
)
from kpstore.history.paths import MAIN
from kpstore.model.documents import BootConfig, Document
from kpstore.model.keys import Key
from kpstore.model.state import Changes
from support.histories import (
    SITE,
    START,
    commit,
    git,
    grow,
    image,
    kernel,
    make,
    node,
    nodes,
)

ENTRY = Key("entry", "production", "web")
KERNEL = Key("kernel", "k1", "web")
FOLDER = "images/web/kernels/k1"
HOST = "head1"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


@pytest.fixture
def main(repository: Repository) -> str:
    return grow(repository, SITE, image() | nodes(30))[-1]


def save(
    repository: Repository, base: str, changes: Changes, expected: str | None = None
) -> str:
    return drafts.save(
        repository,
        "ann",
        base,
        changes,
        expected=expected,
        author="Ann <ann@head1>",
        time=START,
        host=HOST,
    )


def push(repository: Repository, parent: str, files: dict[str, bytes | None]) -> str:
    """Leave what a git client might push."""
    tree, objects = trees.build(repository, repository.commit(parent).tree, files)
    return push_tree(repository, [parent], tree, objects)


def push_tree(
    repository: Repository, parents: list[str], tree: str, objects: list[GitObject]
) -> str:
    made = new_commit(
        tree=tree,
        parents=parents,
        author="Eve <eve@desk>",
        committer="Eve <eve@desk>",
        time=START,
        message=b"work\n",
    )
    repository.write([*objects, made])
    put(repository, id_of(made))
    return id_of(made)


def put(repository: Repository, commit: str) -> None:
    """Move eve's ref as the hook and git do."""
    ref = drafts.ref_of("eve")
    owners.record(repository, "eve", commit, "pushed")
    repository.advance(ref, repository.peek(ref), commit, host=HOST)


def test_a_draft_is_kept_until_discarded(repository: Repository, main: str) -> None:
    changes: Changes = {
        ENTRY: BootConfig(kernel="k1", params=("quiet",)),
        Key("node", "n000003"): None,
        Key("node", "new"): node(99, name="new"),
        Key("kernel", "k2", "web"): kernel("6.2.0", initrds=2),
    }
    assert drafts.load(repository, "ann", main) is None
    saved = save(repository, main, changes)
    found = drafts.load(Repository(repository.path), "ann", main)
    assert found == drafts.Draft("ann", main, changes, saved, main)
    assert drafts.users(repository) == ["ann"]
    assert repository.tip(MAIN) == main
    again = save(repository, main, {}, expected=saved)
    assert drafts.load(repository, "ann", main) == (
        "ann",
        main,
        {},
        again,
        main,
    )
    assert drafts.discard(repository, "ann", host=HOST)
    assert not drafts.discard(repository, "ann", host=HOST)
    assert drafts.users(repository) == []


def test_two_terminals_don_t_overwrite_each_other(
    repository: Repository, main: str
) -> None:
    save(repository, main, {ENTRY: None})
    with pytest.raises(Conflict):
        save(repository, main, {})


def test_the_base_stays_when_main_moves_on(repository: Repository, main: str) -> None:
    changes: Changes = {ENTRY: BootConfig(kernel="k1", ssi=True)}
    save(repository, main, changes)
    tip = main
    for revision in (3, 4):
        tip = commit(repository, tip, image(f"i{revision}"), revision=revision)
    found = drafts.load(repository, "ann", tip)
    assert found is not None
    assert (found.base, found.changes) == (main, changes)


def test_a_pushed_draft_of_several_commits(tmp_path: Path, main: str) -> None:
    site = tmp_path / "state.git"
    git(tmp_path, "clone", "-q", str(site), "work")
    work = tmp_path / "work"
    path = "images/web/entries/production.json"
    for params in ('["a"]', '["a", "b"]'):
        text = f'{{"kernel": "k1", "params": {params}}}\n'  # not canonical
        (work / path).write_text(text)
        git(work, "commit", "-qam", "edit")
    git(work, "push", "-q", "origin", "HEAD:refs/kp/drafts/eve", KP_PUSHER="eve")
    found = drafts.load(Repository(site), "eve", main)
    assert found is not None
    assert found.base == main
    assert found.changes == {ENTRY: BootConfig(kernel="k1", params=("a", "b"))}


@pytest.mark.parametrize("packed", [False, True])
def test_a_pushed_file_that_is_far_too_large_is_never_unpacked(
    tmp_path: Path, main: str, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    """Loose, and in a pack: whole and as a delta."""
    site, work = tmp_path / "state.git", tmp_path / "work"
    git(tmp_path, "clone", "-q", str(site), "work")
    noise = random.Random(1).randbytes(50_000).hex()
    for end in ("", "a", "b"):
        (work / "images/web/entries/production.json").write_text(noise + end)
        git(work, "commit", "-qam", "large")
    git(work, "push", "-q", "origin", "HEAD:refs/kp/drafts/eve", KP_PUSHER="eve")
    if packed:
        git(site, "repack", "-adfq")
    monkeypatch.setattr(sizes, "MAX_OBJECT", 99_999)
    repository = Repository(site)
    with pytest.raises(InvalidInput, match="unpacks to 100,001 bytes, more than"):
        drafts.load(repository, "eve", main)
    for made, size in (("HEAD~", "100,001"), ("HEAD~2", "100,000")):
        blob = git(work, "rev-parse", f"{made}:images/web/entries/production.json")
        with pytest.raises(ForeignEntry, match=f"unpacks to {size} bytes"):
            repository.blob(blob.strip())
    assert repository.commit(main).parents


def test_a_draft_that_forges_a_revision_is_no_main(
    repository: Repository, main: str
) -> None:
    made = commit(repository, main, {ENTRY: BootConfig(kernel="k9")}, revision=2)
    put(repository, made)
    found = drafts.load(repository, "eve", main)
    assert found is not None
    assert found.base == main
    assert found.changes == {ENTRY: BootConfig(kernel="k9")}


def test_a_draft_on_another_history_is_refused(
    repository: Repository, main: str
) -> None:
    stranger = commit(repository, None, SITE, revision=1, time=1)
    put(repository, stranger)
    with pytest.raises(InvalidInput, match="does not build on main"):
        drafts.load(repository, "eve", main)


NODE = codec.encode_node(node(1))
SHARD = codec.path_of(Key("node", "n000001"))
HOSTILE: dict[str, tuple[dict[str, bytes | None], str]] = {
    "unknown path": ({"etc/passwd": b"x"}, "no path of kp's"),
    "attributes": ({".gitattributes": b""}, "kp's own"),
    "attributes below": ({"images/.gitattributes": b"x"}, "no path of kp's"),
    "no json": ({"groups/g.json": b"boo"}, "groups/g.json"),
    "unknown key": ({"groups/g.json": b'{"x": 1}'}, "unknown key 'x'"),
    "parameter": (
        {"groups/g.json": b'{"params": ["a\\nb"]}'},
        r"groups/g.json: params.0",
    ),
    "pointer": ({f"{FOLDER}/vmlinuz": b"x"}, "not the artifact"),
    "pointer gone": ({f"{FOLDER}/vmlinuz": None}, "vmlinuz is missing"),
    "kernel gone": ({f"{FOLDER}/kernel.json": None}, "no kernel.json"),
    "stray artifact": ({f"{FOLDER}/config": b"x"}, "not the artifact"),
    "node twice": ({SHARD: NODE + b"\n" + NODE + b"\n"}, "there twice"),
    "node elsewhere": ({"nodes/00.jsonl": NODE + b"\n"}, "belongs into"),
    "bad node": ({SHARD: NODE.replace(b"n000001", b"N1") + b"\n"}, "name"),
    "blank line": ({SHARD: NODE + b"\n\n"}, SHARD),
    "whole file of NUL": ({SHARD: bytes(100)}, SHARD),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_content_is_refused(
    repository: Repository, main: str, case: str
) -> None:
    files, message = HOSTILE[case]
    push(repository, main, files)
    with pytest.raises(InvalidInput, match=message):
        drafts.load(repository, "eve", main)


@pytest.mark.parametrize("mode", [0o120000, 0o100755, 0o160000, 0o100664])
def test_foreign_modes_are_refused(
    repository: Repository, main: str, mode: int
) -> None:
    blob = new_blob(b"../../etc/passwd")
    entries = dict(repository.tree(repository.commit(main).tree))
    groups = new_tree({"g.json": Entry(mode, id_of(blob))})
    root = new_tree(entries | {"groups": Entry(DIRECTORY, id_of(groups))})
    push_tree(repository, [main], id_of(root), [blob, groups, root])
    with pytest.raises(InvalidInput, match=r"g\.json is"):
        drafts.load(repository, "eve", main)


@pytest.mark.parametrize("name", ["..", ".git", "a b", "x\ny", "\x1b[2J", "é"])
def test_foreign_names_are_refused(
    repository: Repository, main: str, name: str
) -> None:
    blob = new_blob(b"x")
    entries = dict(repository.tree(repository.commit(main).tree))
    root = new_tree(entries | {name: Entry(FILE, id_of(blob))})
    push_tree(repository, [main], id_of(root), [blob, root])
    with pytest.raises(InvalidInput, match="which is no name"):
        drafts.load(repository, "eve", main)


def test_a_file_where_a_directory_belongs(repository: Repository, main: str) -> None:
    blob = new_blob(b"x")
    entries = dict(repository.tree(repository.commit(main).tree))
    root = new_tree(entries | {"nodes": Entry(FILE, id_of(blob))})
    push_tree(repository, [main], id_of(root), [blob, root])
    with pytest.raises(InvalidInput, match="nodes is no path"):
        drafts.load(repository, "eve", main)


def test_a_missing_object_is_corrupt_state_not_a_bad_draft(
    repository: Repository, main: str
) -> None:
    push_tree(repository, [main], "a" * 40, [])
    with pytest.raises(CorruptState, match="is missing"):
        drafts.load(repository, "eve", main)


def test_a_pushed_kernel_with_its_pointers(repository: Repository, main: str) -> None:
    made: dict[Key, Document] = {Key("kernel", "k2", "web"): kernel("6.3.0", 2)}
    files: dict[str, bytes | None] = {}
    for key, document in made.items():
        files |= codec.files_of(key, document)
    push(repository, main, files)
    found = drafts.load(repository, "eve", main)
    assert found is not None
    assert found.changes == made


def test_a_kernel_removed_with_its_pointers(repository: Repository, main: str) -> None:
    push(repository, main, dict.fromkeys(codec.files_of(KERNEL, kernel())))
    found = drafts.load(repository, "eve", main)
    assert found is not None
    assert found.changes == {KERNEL: None}
