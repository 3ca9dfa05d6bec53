import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import CorruptState, InvalidInput
from kpstore.history import codec
from kpstore.model.documents import (
    BootConfig,
    Document,
    Group,
    Image,
    NextBoot,
    Node,
    Rollout,
    Site,
    Target,
    Verdict,
    XenConfig,
)
from kpstore.model.keys import Key
from support.histories import encode_shard, kernel, node

DOCUMENTS: list[tuple[Key, Document]] = [
    (Key("site"), Site(id="1" * 32, name="lab")),
    (Key("target", "tftp"), Target(kind="tftp", loaders=("grub", "ipxe"))),
    (Key("image", "web"), Image(arch="aarch64", params=("quiet", "a=b c"))),
    (
        Key("entry", "xen", "web"),
        BootConfig(kernel="k", xen=XenConfig(kernel="x", params=("dom0_mem=1G",))),
    ),
    (Key("kernel", "k", "web"), kernel(initrds=2)),
    (Key("group", "rack1"), Group(nodes="n[1-9]", params=("console=ttyS0",))),
    (
        Key("verdict", "ab" * 16),
        Verdict(
            verdict="good",
            by="Ann Ünal",
            since="2026-11-20T14:00:00Z",
            revision="r1",
            kin="cd" * 16,
            images={"web": "r1"},
            evidence={"nodes": ["n1"], "share": 0.5},
        ),
    ),
    (Key("rollout", "web"), Rollout(entry="new")),
]


@pytest.mark.parametrize(("key", "document"), DOCUMENTS, ids=lambda v: str(v)[:20])
def test_a_document_comes_back_from_canonical_bytes(
    key: Key, document: Document
) -> None:
    data = codec.encode(document)
    assert codec.decode(key, data) == document
    text = data.decode()
    assert (
        text
        == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False)
        + "\n"
    )


def test_defaults_are_written_out() -> None:
    assert json.loads(codec.encode(BootConfig(kernel="k"))) == {
        "kernel": "k",
        "method": "network",
        "params": [],
        "ssi": False,
        "xen": None,
    }


def test_an_alias_is_the_key_in_the_file() -> None:
    written = json.loads(codec.encode(kernel()))
    assert "System.map" in written["artifacts"]
    assert "system_map" not in written["artifacts"]


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(CorruptState, match=r"images/web/image\.json: .*'color'"):
        codec.decode(Key("image", "web"), b'{"arch": "x86_64", "color": 1}')


def test_an_unknown_format_has_a_hint() -> None:
    data = codec.encode(Site(id="1" * 32, name="lab")).replace(b": 1,", b": 2,", 1)
    with pytest.raises(CorruptState, match="format 2 is not known") as caught:
        codec.decode(Key("site"), data)
    assert "newer kp" in caught.value.hint


@pytest.mark.parametrize("revision", ["", "r0", "r01", "1", "r-1", "HEAD", "r1 "])
def test_a_verdict_is_of_a_revision(revision: str) -> None:
    """Whoever pushes a draft may write one: sweeping takes it for a number."""
    key, good = next(each for each in DOCUMENTS if each[0].kind == "verdict")
    for said in (b'"r1"\n', b'"r1",\n'):
        told = codec.encode(good).replace(said, said.replace(b"r1", revision.encode()))
        with pytest.raises(InvalidInput, match=key.name):
            codec.decode(key, told, InvalidInput)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 9999])
def test_what_is_no_document_is_refused_as_the_caller_says(data: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"groups/g\.json"):
        codec.decode(Key("group", "g"), data, InvalidInput)


def test_a_huge_document_is_not_parsed() -> None:
    with pytest.raises(CorruptState, match="more than"):
        codec.decode(Key("group", "g"), b" " * (17 << 20))


def test_a_kernel_is_written_with_its_pointers() -> None:
    files = codec.files_of(Key("kernel", "k", "web"), kernel(initrds=2))
    folder = "images/web/kernels/k"
    assert sorted(files) == [
        f"{folder}/{name}"
        for name in ["System.map", "initrd", "initrd-1", "kernel.json", "vmlinuz"]
    ]
    assert files[f"{folder}/vmlinuz"] == (
        b"version https://git-lfs.github.com/spec/v1\n"
        b"oid sha256:" + b"ab" * 32 + b"\nsize 10\n"
    )


def test_pointers_that_differ_from_kernel_json_are_refused() -> None:
    key, made = Key("kernel", "k", "web"), kernel()
    right = codec.pointers_of(key, made)
    codec.check_pointers(key, made, right)
    folder = "images/web/kernels/k"
    for wrong in (
        {f"{folder}/vmlinuz": b"not a pointer"},
        {f"{folder}/config": right[f"{folder}/vmlinuz"]},
    ):
        with pytest.raises(InvalidInput, match="not the artifact"):
            codec.check_pointers(key, made, right | wrong)
    del right[f"{folder}/initrd"]
    with pytest.raises(InvalidInput, match="initrd is missing"):
        codec.check_pointers(key, made, right)


NODES = st.builds(
    Node,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    macs=st.lists(
        st.from_regex(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", fullmatch=True), max_size=2
    ).map(tuple),
    image=st.none() | st.just("web"),
    index=st.none() | st.integers(0, 10**6),
    vars=st.dictionaries(
        st.sampled_from(["name", "rack", "_x"]),
        st.from_regex(r"[A-Za-z0-9_.:/@%,+=~^-]{0,9}", fullmatch=True),
    ),
    params=st.lists(st.sampled_from(["quiet", "a=b c", "x={node.index}"])).map(tuple),
    next=st.none() | st.builds(NextBoot, entry=st.just("web/new"), once=st.booleans()),
)


@given(nodes=st.lists(NODES, unique_by=lambda node: node.name, max_size=8))
def test_a_node_file_comes_back_sorted_by_name(nodes: list[Node]) -> None:
    data = encode_shard(nodes)
    expected = sorted(nodes, key=lambda node: node.name)
    assert codec.decode_shard("nodes/ab.jsonl", data) == expected
    plain = [
        json.dumps(
            node.model_dump(mode="json", by_alias=True),
            sort_keys=True,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        for node in expected
    ]
    assert data.decode() == "".join(line + "\n" for line in plain)


def test_a_bad_node_line_is_named() -> None:
    data = encode_shard([node(1), node(2)]).replace(b'"index":2', b'"index":-2')
    with pytest.raises(CorruptState, match=r"nodes/ab\.jsonl: index"):
        codec.decode_shard("nodes/ab.jsonl", data)
