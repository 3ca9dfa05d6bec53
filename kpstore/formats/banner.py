"""The line by which a kernel introduces itself: `6.1.0-56-amd64 (...) #1 SMP ...`."""

import re
from collections.abc import Iterable

from kpstore.model.names import RELEASE

# init/version.c: "Linux version " UTS_RELEASE " (" builder ") (" compiler ") " ...
_BANNER = re.compile(
    rb"Linux version (\d+\.\d+[A-Za-z0-9._+~-]{0,127} \([^\n\0]{0,900})"
)
_LONGEST = 1100  # bytes, of what _BANNER matches
_RELEASE = re.compile(RELEASE)
_WORDS = re.compile(r"\b(?:SMP|PREEMPT(?:_[A-Z]+)?)\b")


def find(pieces: Iterable[bytes]) -> str | None:
    """Return the banner without `Linux version `; None if there is none."""
    window = b""
    for piece in pieces:
        window = window[-_LONGEST:] + piece
        match = _BANNER.search(window)
        if match and match.end() < len(window):
            return match[1].decode("utf-8", "replace")
    match = _BANNER.search(window)
    return match[1].decode("utf-8", "replace") if match else None


def release_of(banner: str) -> str | None:
    """Return the banner's first word if it may name a release."""
    words = banner.split(maxsplit=1)
    return words[0] if words and _RELEASE.fullmatch(words[0]) else None


def words_of(banner: str) -> frozenset[str]:
    """Return the words of the build's features: `SMP`, `PREEMPT_RT` ..."""
    return frozenset(_WORDS.findall(banner.partition("#")[2]))
