from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.git.trees import build
from kpstore.history.snapshot import Snapshot, changes_between, diff, to_tree
from kpstore.model.documents import BootConfig, Document, Group, Node, Verdict
from kpstore.model.keys import Key
from kpstore.model.state import State
from support.histories import SITE, commit, git, grow, image, kernel, make, node, nodes

ENTRY = Key("entry", "production", "web")
VERDICT = Verdict(verdict="good", by="a", since="s", revision="r1", kin="0" * 32)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make(tmp_path / "state.git")


def test_nothing_is_in_no_commit(repository: Repository) -> None:
    empty = Snapshot(repository, None)
    assert empty.get(Key("site")) is None
    assert empty.names("node") == empty.names("site") == empty.names("verdict") == []
    assert list(empty.nodes()) == []
    assert empty.subtree("nodes") is None


def test_everything_written_is_read_back(repository: Repository) -> None:
    written: dict[Key, Document] = SITE | image() | image("db") | nodes(40)
    written[Key("group", "rack.1")] = Group(nodes="n[1-2]")
    written[Key("verdict", "ab" * 16)] = VERDICT
    tip = grow(repository, written)[0]
    snapshot = Snapshot(repository, tip)
    assert {key: snapshot.get(key) for key in written} == written
    assert snapshot.names("site") == [""]
    assert snapshot.names("image") == ["db", "web"]
    assert snapshot.names("entry", "web") == ["production"]
    assert snapshot.names("kernel", "db") == ["k1"]
    assert snapshot.names("entry", "nothing") == []
    assert snapshot.names("group") == ["rack.1"]
    assert snapshot.names("verdict") == ["ab" * 16]
    assert snapshot.names("node") == sorted(k.name for k in nodes(40))
    assert {n.name: n for n in snapshot.nodes()} == {
        key.name: document for key, document in nodes(40).items()
    }
    raw = {fields["name"]: fields for fields in snapshot.raw_nodes()}
    assert raw["n000003"] == node(3).model_dump(mode="json")
    assert snapshot.get(Key("node", "n9")) is None


def test_diff_is_exactly_the_changes(repository: Repository) -> None:
    steps: list[dict[Key, Document | None]] = [
        SITE | image() | nodes(30),
        {ENTRY: BootConfig(kernel="k1", params=("quiet",))},
        {
            Key("node", "n000007"): node(7, vars={"a": "b"}),
            Key("node", "n000008"): None,
            Key("kernel", "k2", "web"): kernel("6.2.0", initrds=3),
        },
        {Key("kernel", "k2", "web"): kernel("6.2.0", initrds=1)},
        dict.fromkeys((*image(), Key("kernel", "k2", "web"))),
    ]
    commits = grow(repository, *steps)
    for number, step in enumerate(steps):
        old = Snapshot(repository, commits[number - 1] if number else None)
        new = Snapshot(repository, commits[number])
        assert diff(old, new) == {key: (old.get(key), step[key]) for key in step}
        assert changes_between(old, new) == step
    first, last = (Snapshot(repository, commits[n]) for n in (0, -1))
    undone = changes_between(last, first)
    tree, _objects = to_tree(last, undone)
    assert tree == first.tree
    assert "images" not in repository.tree(last.tree or "")


def test_a_dropped_kernel_takes_its_pointers_along(repository: Repository) -> None:
    key = Key("kernel", "k2", "web")
    first, second, third = grow(
        repository,
        SITE | image() | {key: kernel(initrds=3)},
        {key: kernel(initrds=1)},
        {key: None},
    )
    listed = [
        git(repository.path, "ls-tree", "--name-only", f"{c}:images/web/kernels")
        for c in (first, second, third)
    ]
    assert listed == ["k1\nk2\n", "k1\nk2\n", "k1\n"]
    assert git(
        repository.path, "ls-tree", "--name-only", f"{second}:images/web/kernels/k2"
    ).split() == ["System.map", "initrd", "kernel.json", "vmlinuz"]


def test_state_over_a_snapshot_sees_both(repository: Repository) -> None:
    tip = grow(repository, SITE | image() | nodes(3))[0]
    state = State(Snapshot(repository, tip), {Key("node", "n000001"): None})
    assert [n.name for n in sorted(state.nodes(), key=lambda n: n.name)] == [
        "n000000",
        "n000002",
    ]
    assert state.changes == {Key("node", "n000001"): None}


def test_one_node_s_change_is_four_objects(repository: Repository) -> None:
    tip = grow(repository, SITE | image() | nodes(3000))[0]
    changes = {Key("node", "n000007"): node(7, vars={"a": "b"})}
    _, objects = to_tree(Snapshot(repository, tip), changes)
    assert len(objects) == 3  # the file of lines, nodes/, the root; the commit besides


def test_one_node_is_one_line_of_git_diff(repository: Repository) -> None:
    changes = {Key("node", "n000007"): node(7, vars={"a": "b"})}
    old, new = grow(repository, SITE | nodes(3000), changes)
    assert "1 insertion(+), 1 deletion(-)" in git(
        repository.path, "diff", "--shortstat", old, new
    )


def test_attributes_are_written_once(repository: Repository) -> None:
    grow(repository, SITE, image())
    assert git(repository.path, "show", "main:.gitattributes") == (
        "images/*/kernels/*/* filter=lfs diff=lfs merge=lfs -text\n"
        "images/*/kernels/*/kernel.json !filter !diff !merge !text\n"
    )


@pytest.mark.parametrize(
    "line", [b"{", b'{"name":"n1","name":"n1"', b'{"image":"x"}', b'{"name":7}']
)
def test_a_damaged_node_line_is_corrupt_state(
    repository: Repository, line: bytes
) -> None:
    tree, objects = build(repository, None, {"nodes/67.jsonl": line + b"\n"})
    made = new_commit(
        tree=tree, parents=[], author="a <a>", committer="a <a>", time=0, message=b"x"
    )
    repository.write([*objects, made])
    snapshot = Snapshot(repository, id_of(made))
    with pytest.raises(CorruptState, match=r"node"):
        snapshot.get(Key("node", "n1")) or list(snapshot.nodes())


def test_the_same_node_in_a_fresh_commit(repository: Repository) -> None:
    """A node that only looks like another's variable is not found."""
    key = Key("node", "n000001")
    tip = grow(repository, SITE)[0]
    sly = Node(name="n000002", vars={"name": "n000001"})
    tip = commit(repository, tip, {Key("node", "n000002"): sly}, revision=2)
    assert Snapshot(repository, tip).get(key) is None
