"""Release, architecture and banner of a Linux kernel, read from its bytes."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

from kpstore.errors import InvalidInput
from kpstore.formats import banner
from kpstore.formats.bytestream import CHUNK, ByteStream, bounded, pieces_of
from kpstore.formats.compression import UNREADABLE, inflate, sniff
from kpstore.formats.containers import HEAD, Shape, shape_of
from kpstore.model import bounds

_HINT = "give the file that a boot loader starts, whole: vmlinuz, bzImage, Image"
_DEPTH = 3  # gzip around a UKI around a zboot image
_EMBEDDED = re.compile(
    rb"\x1f\x8b\x08|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|BZh[1-9]1AY|\x5d\x00\x00\x00|"
    rb"\x02\x21\x4c\x18"
)
_ATTEMPTS = 16  # at streams that only look like one

_Opener = Callable[[], ByteStream]


@dataclass(frozen=True)
class KernelFacts:
    """What a kernel's bytes say.

    `format` is bzimage, image (arm64, riscv, s390), zboot, elf or uki;
    `compression` that of the whole file, else empty. `efi`: firmware can start it.
    `cmdline_limit`: bytes, where the header tells.
    """

    release: str
    arch: str
    banner: str
    format: str
    compression: str
    efi: bool
    cmdline_limit: int | None

    @property
    def words(self) -> frozenset[str]:
        """Return the banner's feature words, as `SMP`."""
        return banner.words_of(self.banner)


def read_kernel(
    file: BinaryIO, name: str = "the kernel", *, limit: int = bounds.KERNEL
) -> KernelFacts:
    """Read a kernel's facts; `file` must be seekable, `limit` bounds it inflated.

    Raises InvalidInput for what is no kernel, or says no release; `name` is for
    messages.
    """
    try:
        opened = partial(_from_start, file)
        _check_whole(opened, file.seek(0, os.SEEK_END), limit, _DEPTH)
        facts = _facts(opened, limit, _DEPTH)
    except InvalidInput as error:
        hint = error.hint or _HINT
        raise InvalidInput(f"{name}: {error.message}", hint=hint) from error
    if not banner.release_of(facts.banner):
        raise InvalidInput(
            f"{name} names no release that can be: {facts.banner!r:.80}", hint=_HINT
        )
    return facts


def _check_whole(opened: _Opener, size: int, limit: int, depth: int) -> None:
    """Refuse a file that ends before what its own header says, packed or not."""
    head = opened().peek(HEAD)
    if depth and (compression := sniff(head)) is not None:
        inner = partial(_inflated, opened, compression, limit)
        size = sum(len(piece) for piece in inner().rest())
        _check_whole(inner, size, limit, depth - 1)
        return
    shape = shape_of(head, opened())
    if shape and size < shape.least:
        raise InvalidInput(
            f"the kernel is cut off: the file has {size:,} bytes, and its header tells "
            f"of {shape.least:,}",
            hint="copy it again, and compare its checksum",
        )


def _facts(opened: _Opener, limit: int, depth: int) -> KernelFacts:
    head = opened().peek(HEAD)
    if depth and (compression := sniff(head)) is not None:
        inner = _facts(partial(_inflated, opened, compression, limit), limit, depth - 1)
        return replace(inner, compression=compression, efi=False)
    shape = shape_of(head, opened())
    if shape is None:
        raise InvalidInput(
            "no kernel that kp knows",
            hint=_HINT,
        )
    if depth and shape.nested is not None:
        inner = _facts(partial(_part, opened, *shape.nested), limit, depth - 1)
        return replace(inner, format=shape.format, efi=shape.efi)
    found = shape.banner or _search(opened, shape, limit)
    if found is None:
        raise InvalidInput(
            f"a file in the format of kernels ({shape.format}, {shape.arch}) that "
            "names no Linux release",
            hint="is it a module, a boot loader or a hypervisor?",
        )
    return KernelFacts(
        release=found.partition(" ")[0],
        arch=shape.arch,
        banner=found,
        format=shape.format,
        compression="",
        efi=shape.efi,
        cmdline_limit=shape.cmdline_limit,
    )


def _search(opened: _Opener, shape: Shape, limit: int) -> str | None:
    """Look for the banner where the header says, else in the bytes as they are."""
    if shape.payload is not None:
        return _search_payload(partial(_part, opened, *shape.payload), limit)
    refusal = partial(_too_long, limit)
    found = banner.find(bounded(opened().rest(), limit, refusal))
    return found or _search_embedded(opened, limit)


def _search_payload(opened: _Opener, limit: int) -> str | None:
    compression = sniff(opened().peek(6))
    if compression is None:
        return banner.find(opened().rest())
    if compression in UNREADABLE:
        raise InvalidInput(
            f"the kernel inside is compressed by {compression}, which kp can't read"
        )
    return banner.find(_inflated(opened, compression, limit).rest())


def _search_embedded(opened: _Opener, limit: int) -> str | None:
    """Try the compressed streams in a wrapper whose header doesn't say where."""
    for offset in _candidates(opened()):
        source = opened()
        source.skip(offset)
        compression = sniff(source.peek(6))
        try:
            found = banner.find(
                bounded(
                    inflate(source, compression or ""), limit, partial(_too_long, limit)
                )
            )
        except InvalidInput:
            continue  # bytes that only looked like a stream
        if found:
            return found
    return None


def _candidates(source: ByteStream) -> Iterator[int]:
    """Offsets in the first 4 MiB where a compressed stream may begin."""
    window = source.peek(64 * CHUNK)
    matches = _EMBEDDED.finditer(window)
    return (match.start() for match, _ in zip(matches, range(_ATTEMPTS), strict=False))


def _from_start(file: BinaryIO) -> ByteStream:
    file.seek(0)
    return ByteStream(pieces_of(file))


def _inflated(opened: _Opener, compression: str, limit: int) -> ByteStream:
    pieces = inflate(opened(), compression)
    return ByteStream(bounded(pieces, limit, partial(_too_long, limit)))


def _part(opened: _Opener, offset: int, length: int) -> ByteStream:
    source = opened()
    source.skip(offset)
    return ByteStream(_at_most(source, length))


def _at_most(source: ByteStream, length: int) -> Iterator[bytes]:
    while length and (piece := source.take(min(length, CHUNK))):
        length -= len(piece)
        yield piece


def _too_long(limit: int) -> InvalidInput:
    return InvalidInput(f"more than {limit} bytes when inflated: no kernel is so large")
