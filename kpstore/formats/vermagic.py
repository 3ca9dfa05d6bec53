"""The kernel that a module was built for, as the module says it.

linux: include/linux/vermagic.h; the section .modinfo holds `vermagic=RELEASE words`.
"""

import re
from collections.abc import Iterable
from typing import BinaryIO, Final

from kpstore.errors import InvalidInput
from kpstore.formats.bytestream import ByteStream, bounded, pieces_of
from kpstore.formats.compression import inflate, sniff

_MAGIC: Final = re.compile(rb"vermagic=([!-~]{1,128})(?: [ -~]{0,256})?\0")
_LONGEST: Final = 512  # bytes, of what _MAGIC matches
_MAX_MODULE: Final = 1 << 30  # bytes, inflated, with its debug data


def release_of(file: BinaryIO) -> str:
    """Return the release; empty where the file doesn't tell, or can't be unpacked."""
    source = ByteStream(pieces_of(file))
    name = sniff(source.peek(8))
    pieces = inflate(source, name) if name else source.rest()
    try:
        return _found(bounded(pieces, _MAX_MODULE, _too_long))
    except InvalidInput:
        return ""


def _found(pieces: Iterable[bytes]) -> str:
    window = b""
    for piece in pieces:
        window = window[-_LONGEST:] + piece
        if match := _MAGIC.search(window):
            return match[1].decode("ascii")
    return ""


def _too_long() -> InvalidInput:
    return InvalidInput(f"a module of more than {_MAX_MODULE} bytes when inflated")
