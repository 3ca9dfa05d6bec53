"""Unified kernel images: one PE file with kernel, initrd and command line.

Format: https://uapi-group.org/specifications/specs/unified_kernel_image/
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.formats.containers import HEAD, Section, pe_sections

_TEXTS: Final = (".uname", ".cmdline", ".osrel")
_TEXT: Final = 1 << 16  # bytes of one of them
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20]+")
_FIELD: Final = re.compile(r"^([A-Z0-9_]+)=(.*?)\s*$", re.MULTILINE)

Read = Callable[[int, int], bytes]
"""Reads a file from an offset on, at most so many bytes."""


@dataclass(frozen=True)
class UnifiedImage:
    """What an image holds; `os` are the fields of its os-release.

    `release` and `cmdline` are empty where it has none. `initrds` in the order that
    its stub hands them over: microcode first. `has_profiles`: it may be started in
    several ways, of which this is the first.
    """

    linux: Section
    initrds: tuple[Section, ...] = ()
    release: str = ""
    cmdline: str = ""
    has_profiles: bool = False
    os: Mapping[str, str] = field(default_factory=dict)


def read_unified(read: Read, size: int) -> UnifiedImage | None:
    """Read an image of `size` bytes; None where it is none.

    Raises InvalidInput where a section lies outside of the file, or a text is long
    beyond measure.
    """
    found = pe_sections(read(0, HEAD))
    if ".linux" not in found:
        return None
    for name, section in found.items():
        if section.length and section.end > size:
            raise InvalidInput(
                f"cut off: its section {name} ends at {section.end:,} bytes, the file "
                f"at {size:,}",
                hint="copy it again, and compare its checksum",
            )
    texts = {name: _text(read, found, name) for name in _TEXTS}
    return UnifiedImage(
        linux=found[".linux"],
        initrds=tuple(found[n] for n in (".ucode", ".initrd") if n in found),
        release=_line(texts[".uname"]),
        cmdline=_line(texts[".cmdline"]),
        has_profiles=".profile" in found,
        os=_fields(texts[".osrel"]),
    )


def _text(read: Read, found: Mapping[str, Section], name: str) -> str:
    section = found.get(name, Section(0, 0))
    if section.length > _TEXT:
        raise InvalidInput(
            f"its section {name} has {section.length:,} bytes, more than {_TEXT:,}",
            hint="it is no image that a distribution's tools make: make it anew",
        )
    return read(*section).decode("utf-8", "replace")


def _line(text: str) -> str:
    """Return it as stubs hand it over: control characters are blanks."""
    return _UNPRINTABLE.sub(" ", text).strip()


def _fields(text: str) -> dict[str, str]:
    """Read os-release, as os-release(5) has it."""
    return {name: value.strip("\"'") for name, value in _FIELD.findall(text)}
