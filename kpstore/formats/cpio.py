"""Names in a cpio archive, format newc (linux: driver-api/early-userspace)."""

from collections.abc import Iterator
from dataclasses import dataclass

from kpstore.errors import InvalidInput
from kpstore.formats.bytestream import ByteStream

MAGICS = (b"070701", b"070702")
_HEADER = 110  # 6 of magic, 13 numbers of 8 hex digits
_TRAILER = "TRAILER!!!"
_NAME_LIMIT = 4096  # PATH_MAX of the kernel, which skips longer ones too


@dataclass(frozen=True)
class Member:
    """A file in an archive: its name as written, without a leading `./` or `/`."""

    name: str
    mode: int
    size: int


def members(source: ByteStream) -> Iterator[Member]:
    """Walk one archive to its trailer, passing over the data.

    Raises InvalidInput where the bytes are no such archive, or end too early.
    """
    start = source.offset
    while True:
        member = _member(source, start)
        if member.name == _TRAILER:
            return
        yield member
        _pass(source, member.size)
        _align(source, start)


def _member(source: ByteStream, start: int) -> Member:
    header = source.take(_HEADER)
    if len(header) < _HEADER:
        raise InvalidInput("the cpio archive ends without its trailer")
    if not header.startswith(MAGICS):
        raise InvalidInput(f"no cpio header at offset {source.offset - _HEADER}")
    mode, size, name_size = (_number(header, field) for field in (1, 6, 11))
    if not 1 <= name_size <= _NAME_LIMIT:
        raise InvalidInput(f"a name of {name_size} bytes in the cpio archive")
    name = source.take(name_size)
    if len(name) < name_size or not name.endswith(b"\0"):
        raise InvalidInput("a name in the cpio archive has no end")
    _align(source, start)
    text = name[:-1].decode("utf-8", "backslashreplace")
    return Member(text.removeprefix("./").lstrip("/"), mode, size)


def _number(header: bytes, field: int) -> int:
    digits = header[6 + field * 8 : 14 + field * 8]
    try:
        return int.from_bytes(bytes.fromhex(digits.decode("ascii")))
    except ValueError:
        raise InvalidInput(f"{digits!r} in a cpio header is no number") from None


def _pass(source: ByteStream, size: int) -> None:
    if source.skip(size) < size:
        raise InvalidInput("the cpio archive ends within a file")


def _align(source: ByteStream, start: int) -> None:
    source.skip(-(source.offset - start) % 4)
