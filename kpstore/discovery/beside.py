"""What the table of layouts says of one kernel's file."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from kpstore.discovery.layouts import LAYOUTS, SPARE

_PLACE: Final = re.compile(r"\{(\w+)\}")


def said_by(pattern: str, path: str) -> Mapping[str, str] | None:
    """Return what a pattern's places stand for in a path; None if it isn't meant."""
    found = _regex(pattern).fullmatch(path)
    return found.groupdict() if found else None


def initrds_beside(kernel: str, release: str) -> Iterator[str]:
    """Yield the names that a kernel's initrd may have, by its own name first.

    `kernel` is its file's name, `release` what its bytes say.
    """
    for layout in LAYOUTS:
        for pattern in layout.kernels:
            said = said_by(pattern.rpartition("/")[2], kernel)
            if said is not None:
                for each in layout.initrds:
                    yield each.format_map({"release": release, **said})
    yield from initrds_of(release)


def initrds_of(release: str) -> Iterator[str]:
    """Yield the names that name a release, wherever its kernel lies."""
    for layout in LAYOUTS:
        for each in layout.initrds:
            if "{" in each:
                yield each.format(name=release, release=release)


def is_spare(kernel: str) -> bool:
    """Tell by its path whether a kernel is for an emergency only."""
    names = [part for part in kernel.split("/") if part]
    names.append(names[-1].partition("-")[2])
    return any(fnmatchcase(name, each) for name in names for each in SPARE)


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    *pieces, last = _PLACE.split(pattern)
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    text = "".join(f"{re.escape(piece)}(?P<{place}>[^/]+)" for piece, place in pairs)
    return re.compile(text + re.escape(last))
