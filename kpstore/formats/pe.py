"""The sections of a PE file, as far as its first bytes tell."""

import struct
from typing import NamedTuple

import pefile


class Section(NamedTuple):
    """Where a section lies in its file, in bytes."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """Return where it ends."""
        return self.offset + self.length


def sections(head: bytes) -> dict[str, Section]:
    """Return the sections by name, the first of a name; none where it is no PE file."""
    try:
        pe = pefile.PE(data=head, fast_load=True)
    except (pefile.PEFormatError, struct.error, ValueError, IndexError, AttributeError):
        return {}  # pefile lets more than its own error out when headers lie
    found: dict[str, Section] = {}
    for section in pe.sections:
        name = section.Name.rstrip(b"\0").decode("latin-1")
        # the raw size is rounded up; the virtual one is exact
        length = min(section.SizeOfRawData, section.Misc_VirtualSize)
        found.setdefault(name, Section(section.PointerToRawData, length))
    return found
