"""GRUB's environment block: variables in a file of fixed size, which GRUB rewrites.

The first line, then `NAME=VALUE` a line, in which a backslash stands before one and
before a newline of the value, then `#` to the end. Follows grub-core/lib/envblk.c,
which reads more than it writes: only what it would write is changed.
"""

import re
from collections.abc import Iterator
from typing import Final

from kpstore.errors import InvalidInput

SIZE: Final = 1024
"""Bytes of a block, as grub-editenv makes them."""
_HEAD: Final = b"# GRUB Environment Block\n"
_REST: Final = rb"(?:[^\\\n]|\\[\x00-\xff])*"
_LINE: Final = re.compile(rb"(?:#|[^\\\n=#][^\\\n=]*=)" + _REST + rb"\n")
_READ: Final = re.compile(rb"(?:#|([^=]*)=)(" + _REST + rb")\\?\n?")
_ESCAPED: Final = re.compile(rb"\\([\x00-\xff])")
_TO_ESCAPE: Final = re.compile(rb"([\\\n])")
_HINT: Final = "grub-editenv FILE create makes an empty one"


def variables(block: bytes) -> dict[str, bytes]:
    """Return what GRUB sets by a block; InvalidInput for what it takes for none."""
    if not block.startswith(_HEAD):
        raise InvalidInput("it is no block of GRUB's variables", hint=_HINT)
    return dict(_read(block))


def value_of(block: bytes, name: str) -> bytes | None:
    """Return a variable's value; None without one. InvalidInput for no block."""
    return variables(block).get(name)


def _read(block: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each variable as it is set: the last one of a name counts."""
    at = len(_HEAD)
    while found := _READ.match(block, at):
        at = found.end()
        if found[1]:
            name = found[1].decode("utf-8", "replace")
            yield name, _ESCAPED.sub(rb"\1", found[2])


def with_value(block: bytes | None, name: str, value: bytes | None) -> bytes:
    """Return a block with a variable set, or without it; all others as they were.

    Without a block a new one is made. InvalidInput for no block, or a full one.
    """
    lines = [] if block is None else _lines(block)
    start = name.encode() + b"="
    at = next((i for i, each in enumerate(lines) if each.startswith(start)), len(lines))
    said = [] if value is None else [start + _TO_ESCAPE.sub(rb"\\\1", value) + b"\n"]
    after = [line for line in lines[at:] if not line.startswith(start)]
    size = SIZE if block is None else len(block)
    text = _HEAD + b"".join((*lines[:at], *said, *after))
    if len(text) > size:
        raise InvalidInput(
            f"no room for {name}: a block of GRUB's variables has {size:,} bytes",
            hint="take variables out of it that GRUB doesn't need: grub-editenv unset",
        )
    return text.ljust(size, b"#")


def is_empty(block: bytes) -> bool:
    """Tell a block that holds no variable."""
    return all(line.startswith(b"#") for line in _lines(block))


def _lines(block: bytes) -> list[bytes]:
    """Return the lines below the first; the fill is none."""
    text = block.rstrip(b"#")
    lines = _LINE.findall(text.removeprefix(_HEAD))
    if not text.startswith(_HEAD) or sum(map(len, (_HEAD, *lines))) != len(text):
        raise InvalidInput("it is no block of GRUB's variables", hint=_HINT)
    return lines
