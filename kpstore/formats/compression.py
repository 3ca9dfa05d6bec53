"""The compressions that kernels and initrds come in, read in bounded memory.

Magics: the formats' own specifications; linux/lib/decompress.c lists the same.
lz4 is read in the frame that Linux reads; lzo is named, but no library of its is
among kp's.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator

import zstandard

from kpstore.errors import InvalidInput
from kpstore.formats import lz4
from kpstore.formats.bytestream import CHUNK, ByteStream

UNREADABLE = frozenset({"lz4 frame", "lzo"})

_MAGICS = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\x5d\x00\x00", "lzma"),
    (lz4.MAGIC, "lz4"),
    (b"\x04\x22\x4d\x18", "lz4 frame"),  # the modern one, which Linux doesn't know
    (b"\x89LZO", "lzo"),
)
_XZ_CHECKS = {0: "", 1: "", 4: "CRC64", 10: "SHA-256"}
_XZ_CHECK_AT = 7
_MEMORY = 1 << 28  # bytes that xz and lzma may ask for
_WINDOW = 1 << 27  # zstd -22, as kernels are packed, needs this
# zstandard has no bound on what it returns for its input, but a block header of
# 3 bytes stands for at most 128 KiB: so this yields 5 MiB at a time at most.
_ZSTD_INPUT = 128


class _Zlib:
    input_size = CHUNK

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, CHUNK)

    def pending(self) -> bool:
        return bool(self._decoder.unconsumed_tail)

    def finished(self) -> bool:
        return self._decoder.eof

    def unused(self) -> bytes:
        return self._decoder.unused_data


class _Stdlib:
    input_size = CHUNK

    def __init__(self, decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._decoder = decoder

    def feed(self, data: bytes) -> bytes:
        return self._decoder.decompress(data, CHUNK)

    def pending(self) -> bool:
        return not self._decoder.eof and not self._decoder.needs_input

    def finished(self) -> bool:
        return self._decoder.eof

    def unused(self) -> bytes:
        return self._decoder.unused_data


class _Zstd:
    input_size = _ZSTD_INPUT

    def __init__(self) -> None:
        self._decoder = zstandard.ZstdDecompressor(
            max_window_size=_WINDOW
        ).decompressobj()

    def feed(self, data: bytes) -> bytes:
        return self._decoder.decompress(data) if data else b""

    def pending(self) -> bool:
        return False

    def finished(self) -> bool:
        return self._decoder.eof

    def unused(self) -> bytes:
        return self._decoder.unused_data


_DECODERS: dict[str, Callable[[], _Zlib | _Stdlib | _Zstd]] = {
    "gzip": _Zlib,
    "xz": lambda: _Stdlib(
        lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
    ),
    "lzma": lambda: _Stdlib(
        lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=_MEMORY)
    ),
    "bzip2": lambda: _Stdlib(bz2.BZ2Decompressor()),
    "zstd": _Zstd,
}


def sniff(head: bytes) -> str | None:
    """Name the compression that begins with `head` (6 bytes are enough)."""
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return name
    return None


def foreign_to_linux(head: bytes) -> str:
    """Say why Linux unpacks no initrd that begins with `head`, and what to do; or "".

    8 bytes are enough. Linux: lib/decompress.c, Documentation/staging/xz.rst.
    """
    name = sniff(head)
    if name == "lz4 frame":
        return "in the frame of lz4 that Linux does not read: pack it by `lz4 -l`"
    if name == "xz" and len(head) > _XZ_CHECK_AT:
        check = _XZ_CHECKS.get(head[_XZ_CHECK_AT], "an unknown sum")
        if check:
            return (
                f"xz checked by {check}, where Linux reads CRC32 only: pack it by "
                "`xz --check=crc32`"
            )
    return ""


def inflate(source: ByteStream, name: str) -> Iterator[bytes]:
    """Decompress one member, stream or frame; `source` then stands right behind it.

    Raises InvalidInput where the bytes are damaged or end too early, and for the
    names in `UNREADABLE`.
    """
    if name == "lz4":
        yield from lz4.inflate(source)
        return
    if name not in _DECODERS:
        raise InvalidInput(f"compressed by {name}, which kp can't read")
    try:
        yield from _inflate(source, _DECODERS[name]())
    except (
        zlib.error,
        lzma.LZMAError,
        zstandard.ZstdError,
        OSError,
        EOFError,
    ) as error:
        # bz2 has no error of its own: damage is an OSError without errno.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise InvalidInput(f"damaged {name} data: {error}") from error


def _inflate(source: ByteStream, decoder: _Zlib | _Stdlib | _Zstd) -> Iterator[bytes]:
    while not decoder.finished():
        data = b"" if decoder.pending() else source.take(decoder.input_size)
        if not data and not decoder.pending():
            raise InvalidInput("the compressed data ends too early")
        if output := decoder.feed(data):
            yield output
    source.put_back(decoder.unused())
