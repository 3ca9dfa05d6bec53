import pytest

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.bytestream import ByteStream
from kpstore.formats.compression import inflate, sniff

DATA = bytes(range(256)) * 3000


@pytest.mark.parametrize("name", sorted(make.COMPRESSORS))
@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_stops_right_behind_the_stream(name: str, piece: int) -> None:
    packed = make.COMPRESSORS[name](DATA) + b"what follows"
    pieces = (packed[at : at + piece] for at in range(0, len(packed), piece))
    source = ByteStream(pieces)
    assert sniff(source.peek(6)) == name
    assert b"".join(inflate(source, name)) == DATA
    assert source.take(99) == b"what follows"


@pytest.mark.parametrize("name", sorted(make.COMPRESSORS))
def test_an_early_end_is_invalid_input(name: str) -> None:
    packed = make.COMPRESSORS[name](DATA)
    with pytest.raises(InvalidInput, match="too early"):
        b"".join(inflate(ByteStream([packed[:-5]]), name))


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2"])  # the ones with a checksum
def test_damage_is_invalid_input(name: str) -> None:
    packed = make.COMPRESSORS[name](DATA)
    middle = len(packed) // 2
    broken = packed[:middle] + bytes(40) + packed[middle + 40 :]
    with pytest.raises(InvalidInput, match=f"damaged {name}"):
        b"".join(inflate(ByteStream([broken]), name))


@pytest.mark.parametrize("name", ["lz4 frame", "lzo", "none"])
def test_what_no_library_of_kp_reads(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        list(inflate(ByteStream([b""]), name))


def test_a_failing_disk_is_no_invalid_input() -> None:
    def failing() -> ByteStream:
        def pieces() -> object:
            yield make.COMPRESSORS["bzip2"](DATA)[:20]
            raise OSError(5, "Input/output error")

        return ByteStream(pieces())  # type: ignore[arg-type]

    with pytest.raises(OSError, match="Input/output error"):
        list(inflate(failing(), "bzip2"))
