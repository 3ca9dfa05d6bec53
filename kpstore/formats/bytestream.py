"""Bytes that come in pieces and are taken in the amounts a format asks for."""

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from kpstore.errors import InvalidInput

CHUNK = 1 << 16


class ByteStream:
    """A forward-only reader with look-ahead over an iterator of pieces.

    Memory: one piece and what was peeked at.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._ahead = b""
        self.offset = 0  # bytes taken so far

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes, or fewer at the end, and take none."""
        if len(self._ahead) < size:
            parts = [self._ahead]
            missing = size - len(self._ahead)
            while missing > 0 and (piece := next(self._pieces, None)) is not None:
                parts.append(piece)
                missing -= len(piece)
            self._ahead = b"".join(parts)
        return self._ahead[:size]

    def take(self, size: int) -> bytes:
        """Take up to `size` bytes; fewer only at the end."""
        data = self.peek(size)
        self._ahead = self._ahead[len(data) :]
        self.offset += len(data)
        return data

    def piece(self) -> bytes:
        """Take what comes next, in whatever amount is at hand; empty at the end."""
        if not self._ahead:
            self.peek(1)
        return self.take(len(self._ahead))

    def put_back(self, data: bytes) -> None:
        """Give back bytes that were taken last."""
        self._ahead = data + self._ahead
        self.offset -= len(data)

    def skip(self, size: int) -> int:
        """Take and forget `size` bytes; return how many there were."""
        left = size
        while left and (piece := self.take(min(left, CHUNK))):
            left -= len(piece)
        return size - left

    def rest(self) -> Iterator[bytes]:
        """Take piece after piece until the end."""
        while piece := self.piece():
            yield piece


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """Read a file to its end."""
    return iter(lambda: file.read(CHUNK), b"")


def bounded(
    pieces: Iterable[bytes], limit: int, refusal: Callable[[], InvalidInput]
) -> Iterator[bytes]:
    """Pass pieces on; raise `refusal()` when they have more than `limit` bytes."""
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise refusal()
        yield piece
