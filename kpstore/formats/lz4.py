"""LZ4 as Linux reads it: the legacy frame, of blocks that each stand alone.

Formats: the "Block" and "Frame" format pages of lz4 itself ("Legacy frame"), and
linux lib/decompress_unlz4.c for where a stream ends. `lz4 -l` writes it.
"""

import struct
from collections.abc import Iterator
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.formats.bytestream import CHUNK, ByteStream

MAGIC: Final = b"\x02\x21\x4c\x18"
_BLOCK: Final = 8 << 20  # bytes of a block, inflated
_BOUND: Final = _BLOCK + _BLOCK // 255 + 16  # ... and packed, at worst
_MIN_MATCH: Final = 4
_MORE: Final = 0xFF  # a byte of a length behind which another follows
_FULL: Final = 15  # in a token: the length goes on in further bytes


def inflate(source: ByteStream) -> Iterator[bytes]:
    """Decompress one stream; `source` then stands right behind it.

    It ends with the bytes, at a size of 0, or where but a number of 4 bytes is left:
    the kernel's own build puts the inflated size there.
    """
    source.take(len(MAGIC))
    while len(source.peek(5)) > len(MAGIC):
        if source.peek(4) == MAGIC:
            source.take(4)
            continue
        (size,) = struct.unpack("<I", source.take(4))
        if not size:
            return
        if size > _BOUND:
            raise InvalidInput(f"damaged lz4 data: a block of {size} bytes")
        packed = source.take(size)
        if len(packed) < size:
            raise InvalidInput("the compressed data ends too early")
        try:
            block = _block(packed)
        except IndexError:
            raise InvalidInput("damaged lz4 data: a block ends too early") from None
        for at in range(0, len(block), CHUNK):
            yield bytes(block[at : at + CHUNK])


def _block(packed: bytes) -> bytearray:
    """Decompress a block; IndexError where it ends within a sequence."""
    out, at, end = bytearray(), 0, len(packed)
    while True:
        token = packed[at]
        at += 1
        length = token >> 4
        if length == _FULL:
            length, at = _longer(packed, at)
        if at + length > end:
            raise IndexError
        out += packed[at : at + length]
        at += length
        if at == end:
            break
        offset = packed[at] | packed[at + 1] << 8
        at += 2
        length = token & _FULL
        if length == _FULL:
            length, at = _longer(packed, at)
        _copy(out, offset, length + _MIN_MATCH)
    if len(out) > _BLOCK:
        raise InvalidInput("damaged lz4 data: a block is too long")
    return out


def _longer(packed: bytes, at: int) -> tuple[int, int]:
    """Return a length that goes on from `at`, and where it ends."""
    length = _FULL
    while (more := packed[at]) == _MORE:
        length += more
        at += 1
    return length + more, at + 1


def _copy(out: bytearray, offset: int, length: int) -> None:
    """Append what stands `offset` bytes back; a match may overlap itself."""
    start = len(out) - offset
    if not offset or start < 0 or len(out) + length > _BLOCK:
        raise InvalidInput("damaged lz4 data: a match leads out of its block")
    if offset >= length:
        out += out[start : start + length]
        return
    pattern = bytes(out[start:]) * max(1, min(length, CHUNK) // offset)
    while length > 0:
        out += pattern[:length]
        length -= len(pattern)
