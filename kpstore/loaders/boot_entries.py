"""Boot Loader Specification, type 1: the files that several loaders read.

Format: https://uapi-group.org/specifications/specs/boot_loader_specification/
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

COUNTED: Final = re.compile(r"\+(\d+)(?:-(\d+))?$")
"""A count of tries at the end of an entry's name: those left, those done."""


def fields(text: str) -> dict[str, list[str]]:
    """Read an entry or loader.conf: each key's values, in their order."""
    found: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, *value = line.strip().split(maxsplit=1) or [""]
        if key and not key.startswith("#"):
            found.setdefault(key, []).append("".join(value))
    return found


def first(said: Mapping[str, Sequence[str]], key: str) -> str:
    """Return a key's first value; nothing without one."""
    return next(iter(said.get(key, ())), "")
