"""What a loader's configuration that kp did not write says, in no loader's language."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.model.params.tokens import split

_INITRD: Final = "initrd="
NO_DEVICE_TREES: Final = "kp keeps no device trees"


@dataclass(frozen=True)
class Listed:
    """One choice as its loader has it; paths are the loader's own.

    `ident` and `title` are what a default may name; `children` are a submenu's.
    `words` are the tokens of the kernel's line, `hypervisor_words` of the other's,
    which by grub-mkconfig differs between firmwares and tells no choices apart.
    """

    title: str
    ident: str = ""
    kernel: str = ""
    initrds: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    hypervisor: str = ""
    hypervisor_words: tuple[str, ...] = field(default=(), compare=False)
    children: tuple["Listed", ...] = ()


@dataclass(frozen=True)
class Listing:
    """What one configuration says: its choices, and which of them boots by default.

    `source` is its path. `chosen` is None where it doesn't tell; `unread` says what
    could not be understood, with the file's name.
    """

    source: str
    choices: tuple[Listed, ...] = ()
    chosen: Listed | None = None
    unread: tuple[str, ...] = ()


def tokens(line: str) -> tuple[str, ...]:
    """Split a command line as the kernel does; at blanks where its quotes are odd."""
    try:
        return split(line)
    except InvalidInput:
        return tuple(line.split())


def initrds_in(words: Iterable[str]) -> tuple[str, ...]:
    """Return what a line's `initrd=` name, which the kernel itself loads from its disk.

    It does so where its loader hands over none (Linux, Documentation/admin-guide/
    efi-stub.rst); firmware writes a path with backslashes.
    """
    paths = (word.removeprefix(_INITRD) for word in words if word.startswith(_INITRD))
    return tuple("/" + path.replace("\\", "/").lstrip("/") for path in paths)
