"""LZ4's legacy frame, against vectors made by hand and by an independent writer."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.bytestream import ByteStream
from kpstore.formats.lz4 import MAGIC, inflate


def read(data: bytes) -> bytes:
    return b"".join(inflate(ByteStream([data])))


def frame(*blocks: bytes) -> bytes:
    return MAGIC + b"".join(struct.pack("<I", len(each)) + each for each in blocks)


@pytest.mark.parametrize(
    ("block", "content"),
    [
        (b"\x00", b""),
        (b"\x30abc", b"abc"),
        (b"\x30abc\x03\x00\x00", b"abcabca"),  # a match that overlaps itself
        (b"\x82abcdefgh\x06\x00\x10.", b"abcdefghcdefgh."),
        (b"\xf0\x00" + b"x" * 15, b"x" * 15),
        (b"\xf0\xff\x01" + b"x" * 271, b"x" * 271),
        (b"\x1fa\x01\x00\xff\x00\x10b", b"a" * (1 + 15 + 255 + 4) + b"b"),
    ],
)
def test_blocks(block: bytes, content: bytes) -> None:
    assert read(frame(block)) == content
    assert read(frame(block, b"\x10!")) == content + b"!"
    assert read(frame(block) + frame(b"\x10!")) == content + b"!"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (frame(b"\x30abc")[:-1], "too early"),
        (frame(b"\x30ab"), "block ends too early"),
        (frame(b"\x30abc\x03"), "block ends too early"),
        (frame(b"\xf0\xff"), "block ends too early"),
        (frame(b"\x30abc\x04\x00\x00"), "leads out of its block"),
        (frame(b"\x30abc\x00\x00\x00"), "leads out of its block"),
        (MAGIC + b"\xff\xff\xff\xff?", "a block of 4294967295 bytes"),
        (frame(b"\x1fa\x01\x00" + b"\xff" * 40_000 + b"\0"), "out of its block"),
    ],
)
def test_damage_is_named(data: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read(data)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=40), st.integers(0, 2000))))
def test_what_is_packed_comes_back(pieces: list[tuple[bytes, int]]) -> None:
    data = b"".join(text + bytes(zeros) for text, zeros in pieces)
    assert read(make.lz4(data)) == data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise_another_error(data: bytes) -> None:
    with suppress(InvalidInput):
        read(frame(data))
