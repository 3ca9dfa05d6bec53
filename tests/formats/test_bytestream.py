from hypothesis import given
from hypothesis import strategies as st

from kpstore.formats.bytestream import ByteStream


@given(st.lists(st.binary(max_size=9)), st.lists(st.integers(0, 12)))
def test_takes_what_was_given_in_order(pieces: list[bytes], sizes: list[int]) -> None:
    source, whole = ByteStream(pieces), b"".join(pieces)
    taken = b""
    for size in sizes:
        assert source.peek(size) == whole[len(taken) : len(taken) + size]
        taken += source.take(size)
        assert source.offset == len(taken)
        assert whole.startswith(taken)
    assert taken + b"".join(source.rest()) == whole
    assert source.piece() == b""


def test_put_back_and_skip() -> None:
    source = ByteStream([b"abc", b"def"])
    source.put_back(source.take(2))
    assert source.offset == 0
    assert source.skip(4) == 4
    assert source.skip(9) == 2
