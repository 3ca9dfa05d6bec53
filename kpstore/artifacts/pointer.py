"""The git-lfs pointer, version 1: what git holds in an artifact's place.

Format: git-lfs/git-lfs docs/spec.md, "The Pointer": `version` first, then the
other keys in order, one blank between key and value, a newline after each line.
kp writes no extension keys, so it reads none.
"""

import re

from kpstore.errors import CorruptState, InvalidInput

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"oid sha256:([0-9a-f]{64})\n"
    rb"size ([1-9][0-9]{0,18})\n"
)


def encode(sha256: str, size: int) -> bytes:
    """Return the pointer; InvalidInput for what no artifact is named by.

    Nothing empty: by git-lfs's rules an empty file would have no pointer.
    """
    data = (
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{sha256}\nsize {size}\n"
    ).encode()
    if not _POINTER.fullmatch(data):
        raise InvalidInput(
            f"no artifact has the name {sha256!r} and size {size}",
            hint="add the file by kp kernel add, which names it",
        )
    return data


def decode(data: bytes) -> tuple[str, int]:
    """Return (sha256, size in bytes); CorruptState unless `encode` wrote it."""
    match = _POINTER.fullmatch(data)
    if not match:
        raise CorruptState(f"not a git-lfs pointer: {data[:80]!r}")
    return match[1].decode(), int(match[2])
