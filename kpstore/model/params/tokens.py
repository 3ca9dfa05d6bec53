"""A command line as tokens: split and composed as Linux does, and what each sets."""

from collections.abc import Iterable
from typing import Final

from kpstore.errors import InvalidInput

RESERVED: Final = frozenset({"initrd", "BOOT_IMAGE"})
"""Keys that a loader sets itself; PXELINUX would even fetch what an initrd= names."""

INIT: Final = "--"
"""What follows is for init: `parse_args` of Linux stops at exactly this token."""

COPIED: Final = "---"
"""What follows, an installer copies to the system that it installs (Debian, Ubuntu)."""

_EXACT: Final = ("-", "rd.", "inst.")  # read by dracut and anaconda, byte by byte


def key_of(token: str) -> str:
    """Return what a parameter sets: `root` of `root=/dev/sda1`.

    Dash and underscore are one: `parameq` of Linux compares whole names so, and
    systemd its keys (`proc_cmdline_key_streq`). dracut's `getarg` and anaconda don't.
    """
    key = token.split("=", 1)[0]
    return key if key.startswith(_EXACT) else key.replace("-", "_")


def value_of(token: str) -> str | None:
    """Return what a parameter sets it to; None for a word alone."""
    _, sign, value = token.partition("=")
    return value if sign else None


def same(token: str, other: str) -> bool:
    """Tell whether two tokens say the same."""
    return key_of(token) == key_of(other) and value_of(token) == value_of(other)


def says(token: str, wanted: str) -> bool:
    """Tell whether a token is of the key that is `wanted`, or the very token."""
    return same(token, wanted) if "=" in wanted else key_of(token) == key_of(wanted)


def compose(tokens: Iterable[str]) -> str:
    """Return the command line that the kernel is given.

    A token with a space is quoted as a whole, the form that every loader passes on
    unchanged (Linux `next_arg` in lib/cmdline.c takes it).
    """
    return " ".join(f'"{token}"' if " " in token else token for token in tokens)


def split(text: str) -> tuple[str, ...]:
    """Split a command line into tokens, honouring double quotes as Linux does."""
    tokens: list[str] = []
    token, quoted, begun = "", False, False
    for character in text:
        if character == '"':
            quoted, begun = not quoted, True
        elif character.isspace() and not quoted:
            if begun:
                tokens.append(token)
            token, begun = "", False
        else:
            token, begun = token + character, True
    if quoted:
        raise InvalidInput(
            f"unbalanced quote in parameters: {text}",
            hint="a quote needs its like; kp's parameters need none",
        )
    return (*tokens, token) if begun else tuple(tokens)
