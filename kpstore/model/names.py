"""The grammars of names, addresses and parameters: allow-lists, each in one place.

The patterns are written for pydantic's Rust engine (no look-around) and for `re`
alike, so that documents and single values are held to the same rule.
"""

import difflib
import ipaddress
import re
import string
from collections.abc import Iterable, Iterator
from typing import Final

from kpstore.errors import InvalidInput, NotFound

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}$"
NODE_NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,31}$"
VARIABLE_VALUE: Final = r"^[A-Za-z0-9_.:/@%,+=~^-]{0,128}$"
MAC: Final = r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$"
SHA256: Final = r"^[0-9a-f]{64}$"
PAYLOAD: Final = r"^[0-9a-f]{32}$"
COMMIT: Final = r"^[0-9a-f]{40}$"
_PORT: Final = (
    "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}"
    "|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
SERVER: Final = rf"^((\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:{_PORT})?)?$"
RELEASE: Final = r"^[A-Za-z0-9][A-Za-z0-9._+~-]{0,127}$"

REFERENCE: Final = (
    r"\{node\.(?:name|index|mac|ip|image|var\.[A-Za-z_][A-Za-z0-9_]{0,31})\}"
)
# Quotes, backslash, backtick and braces are left out: no loader's syntax can be
# written with what remains. `$` must precede a letter or digit (memmap=1G$4G), so
# `${` never appears; a later word of a value never starts with `#`, `&` or `|`.
_PLAIN: Final = r"[!#%&()*+,./0-9:;<=>?@A-Z\[\]^_a-z|~-]"
_PIECE: Final = rf"(?:{_PLAIN}|\$[A-Za-z0-9]|{REFERENCE})"
_WORD: Final = rf"(?:[!%()*+,./0-9:;<=>?@A-Z\[\]^_a-z~-]|{REFERENCE}){_PIECE}*"
_KEY: Final = r"[A-Za-z0-9_][A-Za-z0-9_.,:/@%+*~-]*"
# `--` ends the kernel's part, `---` is a mark for installers.
PARAMETER: Final = rf"^(?:---?|{_KEY}(?:=(?:{_PIECE}+(?: {_WORD})*)?)?)$"
PARAMETER_KEY: Final = rf"^{_KEY}$"  # a final `*` stands for all that begin so

_SHOWN: Final = 80  # characters of foreign text in a message
_ADDRESS: Final = "10.0.0.1 or fd00::1, without a zone or a prefix"
_SOME: Final = 6  # names that a hint lists
_COMPARED: Final = 2_000  # names: more take longer than who mistyped one waits
_TYPED: Final = string.ascii_letters + string.digits + "-_."
_NAME = re.compile(NAME)
_NODE_NAME = re.compile(NODE_NAME)
_IPV4 = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}(?<!\.)", re.ASCII
)
_CANONICAL_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}")
_MAC_DIGITS = re.compile(r"(?:[0-9a-fA-F]{2}[:-]?){5}[0-9a-fA-F]{2}")


def check_name(name: str, what: str) -> str:
    """Return `name`; InvalidInput unless it may name an image or entry."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{what} {name!r} is not a name",
            hint="letters, digits and . _ + ~ -, starting with a letter or digit, "
            "64 at most",
        )
    return name


def check_node_name(name: str) -> str:
    """Return `name`; InvalidInput unless it may name a node."""
    if not _NODE_NAME.fullmatch(name):
        raise InvalidInput(
            f"node {name!r} is not a node name",
            hint="lower-case letters, digits and . _ -, starting with a letter or "
            "digit, 64 at most",
        )
    return name


def parse_mac(text: str) -> str:
    """Return a MAC as `aa:bb:cc:dd:ee:ff`, from colons, dashes or bare digits."""
    if _CANONICAL_MAC.fullmatch(text):  # a quarter of the time, for 100,000 nodes
        return text
    if not _MAC_DIGITS.fullmatch(text):
        raise InvalidInput(f"{text!r} is not a MAC address", hint="aa:bb:cc:dd:ee:ff")
    digits = re.sub("[:-]", "", text).lower()
    mac = ":".join(digits[i : i + 2] for i in range(0, 12, 2))
    if int(digits[:2], 16) & 1:
        raise InvalidInput(
            f"MAC {mac} is a group address: no network card has it",
            hint="the first byte of a card's MAC is even",
        )
    return mac


def parse_ip(text: str) -> str:
    """Return an IPv4 or IPv6 address in its canonical form."""
    if _IPV4.fullmatch(text):  # a tenth of ipaddress's time, for 100,000 nodes
        return text
    try:
        if "%" not in text:  # a zone is a name on one machine, of anything
            return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    raise InvalidInput(f"{text[:_SHOWN]!r} is not an IP address", hint=_ADDRESS)


def missing(what: str, name: str, known: Iterable[str]) -> NotFound:
    """NotFound for `name`; the hint has the nearest of the known names, or some."""
    names = sorted(known)
    near = _nearest(name, names)
    some = ", ".join([*names[:_SOME], "…"] if len(names) > _SOME else names)
    others = f"there are {some}" if names else f"there is no {what} yet"
    hint = f"did you mean {near!r}?" if near else others
    return NotFound(f"no {what} {name!r} here", hint=hint)


def _nearest(name: str, names: list[str]) -> str | None:
    """Return the most alike; of very many names only one that is a slip away."""
    if len(names) <= _COMPARED:
        return next(iter(difflib.get_close_matches(name, names, n=1)), None)
    there = set(names)
    return next((each for each in _slips(name) if each in there), None)


def _slips(name: str) -> Iterator[str]:
    """Yield what one character more, less, other, or two swapped make of a name."""
    for at in range(len(name) + 1):
        head, tail = name[:at], name[at:]
        yield head + tail[1:]
        yield head + tail[1:2] + tail[:1] + tail[2:]
        for character in _TYPED:
            yield head + character + tail[1:]
            yield head + character + tail
