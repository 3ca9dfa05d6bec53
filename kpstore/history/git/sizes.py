"""How large an object becomes, told by its first bytes: before it is unpacked.

gitformat-pack(5), gitrepository-layout(5). git holds what is pushed to what these say.
"""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from kpstore.history.git.objects import ForeignEntry

MAX_OBJECT: Final = 64 << 20  # bytes
# Bytes of a loose object's file that are read at most: what can't be packed grows.
MAX_FILE: Final = MAX_OBJECT + (1 << 20)
_HEAD: Final = 1024  # bytes: an entry's header, and what zlib needs to begin
_NUMBERS: Final = 32  # bytes for the two numbers that a delta begins with
_OFS_DELTA, _REF_DELTA = 6, 7
_ID: Final = 20  # bytes of an object's id
_LONGEST_CHAIN: Final = 4096  # deltas on deltas; git's own limit is 4095


def check_loose(oid: str, data: bytes) -> None:
    """Refuse a loose object's file that unpacks to more than `MAX_OBJECT`.

    ForeignEntry for one that does; what has no size is left to who reads it.
    """
    head = zlib.decompressobj().decompress(data[:_HEAD], _NUMBERS)
    size = head.partition(b"\0")[0].rpartition(b" ")[2]
    if size.isdigit():
        _check(oid, int(size))


def check_packed(
    pack: Path, oid: str, offset_of: Callable[[str], int], known: set[int]
) -> None:
    """Refuse an object in a pack, or what it is a delta of, that is larger.

    `offset_of` is the pack's index: an object's id to its place in the file. `known`
    are the places that were looked at before, and will be these too: chains of deltas
    share most of their links.
    """
    at = offset_of(oid)
    if at in known:
        return
    passed: list[int] = []
    with closing(_Pack(pack)) as file:
        while at not in known and len(passed) < _LONGEST_CHAIN:
            passed.append(at)
            head = iter(file.read(at))
            first = next(head)
            kind, size = first >> 4 & 7, first & 15
            if first & 128:
                size |= _number(head) << 4
            _check(oid, size)
            if kind == _OFS_DELTA:
                at -= _distance(head)
            elif kind == _REF_DELTA:
                at = offset_of(bytes(next(head) for _ in range(_ID)).hex())
            else:
                break
            delta = iter(zlib.decompressobj().decompress(bytes(head), _NUMBERS))
            _number(delta)
            _check(oid, _number(delta))
    known.update(passed)


class _Pack:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read(self, at: int) -> bytes:
        return os.pread(self._descriptor, _HEAD, at)

    def close(self) -> None:
        os.close(self._descriptor)


def _check(oid: str, size: int) -> None:
    if size > MAX_OBJECT:
        raise ForeignEntry(
            f"object {oid} unpacks to {size:,} bytes, more than {MAX_OBJECT:,}"
        )


def _number(data: Iterator[int]) -> int:
    """Read a size: seven bits a byte, the least first."""
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            break
    return value


def _distance(data: Iterator[int]) -> int:
    """Read how far a delta's base lies before it: the most first, no two alike."""
    byte = next(data)
    value = byte & 127
    while byte & 128:
        byte = next(data)
        value = (value + 1) << 7 | byte & 127
    return value
