"""What the cells of a table of nodes say; InvalidInput for anything else."""

import re
from functools import lru_cache
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.model.names import VARIABLE_VALUE, check_name, parse_ip, parse_mac

SHOWN: Final = 40  # characters of foreign text in a message
_VALUE: Final = re.compile(VARIABLE_VALUE)
_INDEX: Final = re.compile(r"[0-9]{1,9}", re.ASCII)

_remembered = lru_cache(maxsize=1 << 12)  # what many lines say is parsed once


def read_macs(text: str) -> tuple[str, ...]:
    """Return the MACs in a cell, separated by blanks."""
    return tuple(parse_mac(each) for each in text.split())


def read_ips(text: str) -> tuple[str, ...]:
    """Return the IPs in a cell, separated by blanks."""
    return tuple(parse_ip(each) for each in text.split())


@_remembered
def read_image(text: str) -> str:
    """Return the name of an image."""
    return check_name(text, "image")


@_remembered
def read_groups(text: str) -> tuple[str, ...]:
    """Return the names of groups, separated by blanks."""
    return tuple(check_name(each, "group") for each in text.split())


def read_index(text: str) -> int:
    """Return a whole number from 0, of nine digits at most."""
    if not _INDEX.fullmatch(text):
        raise InvalidInput(
            f"{text[:SHOWN]!r} is not an index", hint="a whole number from 0"
        )
    return int(text)


@_remembered
def read_value(text: str) -> str:
    """Return a variable's value."""
    if not _VALUE.fullmatch(text):
        raise InvalidInput(
            f"{text[:SHOWN]!r} is not a variable's value",
            hint="letters, digits and _.:/@%,+=~^- without blanks, 128 at most",
        )
    return text
