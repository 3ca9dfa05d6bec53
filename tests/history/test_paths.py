import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import CorruptState, InvalidInput
from kpstore.history import codec, paths
from support.histories import encode_shard, node

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}", fullmatch=True)


@given(
    kind=st.sampled_from(["target", "image", "entry", "kernel", "group", "rollout"]),
    name=NAMES,
    within=NAMES,
)
def test_a_path_names_exactly_its_document(kind: str, name: str, within: str) -> None:
    place = (kind, name, within if kind in {"entry", "kernel"} else "")
    try:
        path = paths.path_of(place)
    except InvalidInput:
        assert "~" in name
        return
    assert paths.place_of(path) == place


@pytest.mark.parametrize(
    "path",
    [
        "site.json.json",
        "images/web/image.json/x",
        "images/web/kernels/k/passwd",
        "images/../site.json",
        "images/.git/image.json",
        "verdicts/ab/cd" + "0" * 30 + ".json",
        "nodes/zz.jsonl",
        "nodes/abc.jsonl",
        "README",
        "images/web/image.json\n",
        "",
    ],
)
def test_a_foreign_path_is_refused(path: str) -> None:
    with pytest.raises(InvalidInput, match="no path of kp's"):
        paths.place_of(path)


def test_paths_that_hold_no_single_document() -> None:
    assert paths.place_of(".gitattributes") is None
    assert paths.place_of("nodes/ab.jsonl") is None
    assert paths.place_of("images/web/kernels/k/initrd-1") is None
    assert paths.pointer_of("images/web/kernels/k/System.map") == ("kernel", "k", "web")


def test_the_shard_is_the_digest_of_the_name() -> None:
    assert paths.shard_of("n1") == "67"  # printf n1 | sha256sum
    assert paths.path_of(("node", "n1", "")) == "nodes/67.jsonl"


def test_a_line_is_found_by_the_node_s_name_not_by_a_variable() -> None:
    first = node(1, vars={"name": "n000002"})
    second = node(2)
    data = encode_shard([first, second])
    assert paths.node_line(data, "n000002") == codec.encode_node(second)
    assert paths.node_line(data, "n000001") == codec.encode_node(first)
    assert paths.node_line(data, "n00000") is None
    assert list(paths.node_lines(data)) == ["n000001", "n000002"]


def test_a_line_without_a_name_is_corrupt() -> None:
    with pytest.raises(CorruptState, match="has no name"):
        paths.node_lines(b'{"image":"web"}\n')


def test_changed_nodes_are_those_whose_lines_differ() -> None:
    old = encode_shard([node(1), node(2), node(3)])
    new = encode_shard([node(1), node(2, vars={"a": "b"}), node(4)])
    assert paths.changed_nodes(old, new) == {"n000002", "n000003", "n000004"}
