"""What a loader's configuration that kp did not write says, in no loader's language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.model.params.tokens import split

_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z0-9_?#@*]+)\}|([A-Za-z_][A-Za-z0-9_]*))")


@dataclass(frozen=True)
class Listed:
    """One choice as its loader has it; paths are the loader's own.

    `ident` and `title` are what a default may name; `children` are a submenu's.
    """

    title: str
    ident: str = ""
    kernel: str = ""
    initrds: tuple[str, ...] = ()
    words: tuple[str, ...] = ()  # the tokens of its command line
    hypervisor: str = ""
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


def expand(text: str, values: Mapping[str, str]) -> str:
    """Fill in `${name}` and `$name`; unknown ones are empty, as GRUB has it."""
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], ""), text)
