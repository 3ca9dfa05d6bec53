import io
import lzma
import os
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.initrd import InitrdFacts, read_initrd
from kpstore.model import bounds

RELEASE = "6.1.0-56-amd64"
PACKERS = sorted(make.COMPRESSORS.items())


def read(data: bytes, limit: int = 1 << 26) -> InitrdFacts:
    return read_initrd(io.BytesIO(data), "initrd.img", limit=limit)


@pytest.mark.parametrize("compression", sorted(make.COMPRESSORS))
@pytest.mark.parametrize("early", [False, True])
def test_reads_every_compression_behind_microcode(
    compression: str, early: bool
) -> None:
    data = make.initrd(RELEASE, compression, early=early)
    facts = read(data)
    assert facts.releases == {RELEASE}
    assert facts.segments == (("microcode",) if early else ()) + (compression,)
    assert facts.modules == {"e1000"}
    assert facts.size == len(data)
    assert not facts.unreadable


def test_many_segments_with_padding_between() -> None:
    data = (
        make.microcode()
        + bytes(512)
        + make.initrd("1.0-a", "zstd")
        + make.initrd("1.0-b", "xz")
        + bytes(3)
        + make.initrd("1.0-c", "lz4")
    )
    data += bytes(-len(data) % 4)
    data += make.cpio({"usr/lib/firmware/qla/a.bin.xz": b"x"}) + make.initrd(
        None, "gzip"
    )
    facts = read(data)
    assert facts.segments == ("microcode", "zstd", "xz", "lz4", "cpio", "gzip")
    assert facts.releases == {"1.0-a", "1.0-b", "1.0-c"}
    assert facts.firmware == {"qla/a.bin"}


def test_archives_behind_each_other_in_one_compressed_segment() -> None:
    inner = make.cpio({"a": b""}) + bytes(8) + make.cpio({"lib/modules/2.0/x": b""})
    assert read(make.COMPRESSORS["gzip"](inner)).releases == {"2.0"}


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        ("./lib/modules/6.1/kernel/a.ko", {"6.1"}),
        ("/usr/lib/modules/6.1/modules.dep", {"6.1"}),
        ("lib/modules/README", set()),
        ("opt/lib/modules/6.1/a.ko", set()),
        ("lib/modules/../../etc/passwd", set()),
    ],
)
def test_what_counts_as_a_release(name: str, releases: set[str]) -> None:
    assert read(make.cpio({name: b"x"})).releases == releases


def test_an_empty_release_folder_counts() -> None:
    assert read(make.cpio({"lib/modules/6.1": None})).releases == {"6.1"}


def test_boot_configuration_at_the_end() -> None:
    tail = b"kernel.x = 1\0" + bytes(8) + b"#BOOTCONFIG\n"
    assert read(make.initrd(RELEASE) + tail).segments == ("gzip", "bootconfig")


def test_lzo_is_named_as_unreadable() -> None:
    facts = read(make.microcode() + b"\x89LZO" + os.urandom(100))
    assert facts.segments == ("microcode", "lzo")
    assert "lzo" in facts.unreadable
    assert facts.size == len(make.microcode()) + 104


@pytest.mark.parametrize("zeros", [4, 512, 4096])
def test_zeros_before_the_first_archive(zeros: int) -> None:
    assert read(bytes(zeros) + make.cpio({"init": b"x"})).segments == ("cpio",)
    assert read(bytes(zeros + 1) + make.initrd(RELEASE)).releases == {RELEASE}


NOTHING = {
    "zeros": bytes(4096),
    "a trailer alone": make.cpio({}),
    **{name: pack(b"") for name, pack in make.COMPRESSORS.items()},
    **{f"trailer in {name}": pack(make.cpio({})) for name, pack in PACKERS},
}


@pytest.mark.parametrize("what", NOTHING)
@pytest.mark.parametrize("behind", [b"", bytes(512)])
def test_what_unpacks_to_nothing_is_no_initrd(what: str, behind: bytes) -> None:
    with pytest.raises(InvalidInput, match="unpacks to nothing"):
        read(NOTHING[what] + behind)


@pytest.mark.parametrize("off", [0, 1, 2, 3])
@pytest.mark.parametrize("later", ["cpio", *sorted(make.COMPRESSORS)])
@pytest.mark.parametrize("first", ["cpio", *sorted(make.COMPRESSORS)])
def test_a_later_segment_lies_where_linux_looks(
    first: str, later: str, off: int
) -> None:
    """initramfs.c: a plain archive at a multiple of 4, and what is behind one, too."""
    pack = {"cpio": bytes, **make.COMPRESSORS}
    data = pack[first](make.cpio({"a": b"x"}))
    data += bytes(-len(data) % 4 + 4 + off)
    data += pack[later](make.cpio({"b": b"x"}))
    if off and "cpio" in {first, later}:
        with pytest.raises(InvalidInput, match="where Linux finds none"):
            read(data)
    else:
        assert read(data).segments == (first, later)


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x04\x22\x4d\x18" + bytes(100), "lz4 -l"),
        (lzma.compress(b"x", check=lzma.CHECK_CRC64), "xz --check=crc32"),
        (lzma.compress(b"x", check=lzma.CHECK_SHA256), "xz --check=crc32"),
    ],
)
def test_what_linux_can_not_unpack_is_refused_with_the_way(
    data: bytes, says: str, early: bool
) -> None:
    with pytest.raises(InvalidInput, match=says):
        read(make.microcode() * early + data)


@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32])
def test_the_sums_of_xz_that_linux_reads(check: int) -> None:
    packed = lzma.compress(make.cpio({"lib/modules/6.1": None}), check=check)
    assert read(packed).releases == {"6.1"}


@pytest.mark.parametrize("packed", [False, True])
def test_old_file_system_image_is_named(packed: bool) -> None:
    image = bytes(0x438) + b"\x53\xef" + bytes(5000)
    facts = read(make.COMPRESSORS["gzip"](image) if packed else image)
    assert "ext2" in facts.unreadable
    assert facts.releases == frozenset()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"#!/bin/sh\n", "no cpio archive"),
        (make.bzimage(RELEASE), "no cpio archive"),
        (make.COMPRESSORS["gzip"](make.bzimage(RELEASE)), "no cpio archive"),
        (make.initrd(RELEASE) + b"trailing rubbish", "no cpio archive begins"),
        (make.initrd(RELEASE)[:-9], "too early"),
        (make.cpio({"a": b"x" * 99})[:150], "ends within a file"),
        (make.cpio({"a": b""})[:-124], "without its trailer"),
        (make.cpio({"a": b""}).replace(b"000081A4", b"0000zzzz"), "is no number"),
    ],
)
def test_refuses_what_is_no_initrd_and_says_the_override(
    data: bytes, says: str
) -> None:
    with pytest.raises(InvalidInput, match=f"initrd.img is no initrd: .*{says}") as why:
        read(data)
    assert "--force-mismatch" in why.value.hint


@pytest.mark.parametrize("compression", sorted(make.COMPRESSORS))
def test_a_bomb_is_refused_in_little_memory(compression: str) -> None:
    bomb = make.COMPRESSORS[compression](make.cpio({"zeros": bytes(128 << 20)}))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInput, match="when inflated"):
            read(bomb, limit=100 << 20)
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


def test_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "INITRD_FILES", 10)
    with pytest.raises(InvalidInput, match="more than 10 files"):
        read(make.cpio([f"f{n}" for n in range(11)]))


def test_a_file_that_is_too_large_is_refused_before_it_is_read() -> None:
    class Sparse(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it is read")

    with pytest.raises(InvalidInput, match="300 bytes, more than 299"):
        read_initrd(Sparse(bytes(300)), limit=299)


def test_facts_of_a_file_that_a_person_insists_on() -> None:
    facts = InitrdFacts.unread(7, "taken as it is")
    assert (facts.size, facts.unreadable) == (7, "taken as it is")


SEEDS = [
    make.cpio({"lib/modules/6.1": None, "init": b"x" * 50}),
    *(
        make.initrd(RELEASE, compression, early=True)
        for compression in make.COMPRESSORS
    ),
]


@settings(max_examples=400, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(
        st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=8)), max_size=6
    ),
    cut=st.integers(0, 300),
)
def test_mutated_initrds_raise_nothing_but_invalid_input(
    seed: bytes, changes: list[tuple[int, bytes]], cut: int
) -> None:
    data = bytearray(seed)
    for offset, piece in changes:
        data[offset : offset + len(piece)] = piece
    data = data[: max(0, len(data) - cut)]
    with suppress(InvalidInput):
        assert read(bytes(data)).size == len(data)
