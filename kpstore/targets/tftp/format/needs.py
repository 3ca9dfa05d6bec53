"""Which objects served bytes need, told by a reader that knows no loader's language.

Whatever the dialect, a menu names a kernel by its path below kp's root, and that path
holds `kp/objects/<sha256>`. So the bytes say it, and nobody has to add to it by hand.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

from kpstore.targets.tftp.format.links import files_in

_OBJECT: Final = re.compile(rb"kp/objects/([0-9a-f]{64})")


class Remembered(Protocol):
    """What parts were found to need, by their path below the root; parts are immutable.

    A cache: what it doesn't know is read again.
    """

    def get(self, part: str) -> frozenset[str] | None:
        """Return the SHA-256s that a part needs; None: it was never read."""

    def put(self, part: str, needs: frozenset[str]) -> None:
        """Remember them."""


class _Nothing:
    """Remembers nothing: all is read."""

    def get(self, part: str) -> frozenset[str] | None:
        """Return None."""

    def put(self, part: str, needs: frozenset[str]) -> None:
        """Do nothing."""


NOTHING: Final[Remembered] = _Nothing()


def named(files: Iterable[bytes]) -> tuple[str, ...]:
    """Return the SHA-256s of the objects that files name, sorted."""
    found = {sha256 for data in files for sha256 in _OBJECT.findall(data)}
    return tuple(sorted(sha256.decode() for sha256 in found))


def named_in(folder: Path) -> tuple[str, ...]:
    """Return what the files of a folder name; nothing where there is none."""
    return named(seen.data for _, seen in files_in(folder))
