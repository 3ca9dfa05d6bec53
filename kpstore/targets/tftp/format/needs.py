"""Which objects served bytes need, told by a reader that knows no loader's language.

Whatever the dialect, a menu names a kernel by its path below kp's root, and that path
holds `kp/objects/<sha256>`. So the bytes say it, and nobody has to add to it by hand.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kpstore.targets.tftp.format.links import files_in

_OBJECT: Final = re.compile(rb"kp/objects/([0-9a-f]{64})")
_PATH: Final = re.compile(rb"kp/objects/[0-9a-f]{64}/[A-Za-z0-9][A-Za-z0-9._+~-]*")


def named(files: Iterable[bytes]) -> tuple[str, ...]:
    """Return the SHA-256s of the objects that files name, sorted."""
    found = {sha256 for data in files for sha256 in _OBJECT.findall(data)}
    return tuple(sorted(sha256.decode() for sha256 in found))


def named_in(folder: Path) -> tuple[str, ...]:
    """Return what the files of a folder name; nothing where there is none."""
    return named(seen.data for _, seen in files_in(folder))


def paths_in(folder: Path) -> set[str]:
    """Return the objects' files that the files of a folder name, by path."""
    found = (path for _, seen in files_in(folder) for path in _PATH.findall(seen.data))
    return {path.decode() for path in found}
