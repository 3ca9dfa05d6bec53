"""Comparing one folder of a TFTP target: by its files' bytes, or by its name."""

import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.publish.target import Finding
from kpstore.publish.tftp_content import digest_of, digests
from kpstore.publish.tftp_layout import Layout
from kpstore.publish.tftp_reading import files_in

FILE_MODE = 0o644
Folder = Mapping[str, bytes]  # file name -> bytes


def check_folder(layout: Layout, path: str, want: Folder | None) -> Iterator[Finding]:
    """Compare a folder's files with their bytes, or all of it with its name."""
    home = layout.path(path)
    if home.is_symlink() or not home.is_dir():
        yield Finding(path, "changed" if home.is_symlink() else "missing")
        return
    yield from mode_of(layout, path, 0o755)
    yield from _by_digest(home, path) if want is None else _by_bytes(home, path, want)


def _by_bytes(home: Path, path: str, want: Folder) -> Iterator[Finding]:
    missing = set(want)
    for name, mode, data in files_in(home):
        missing.discard(name)
        if name not in want:
            if not name.startswith(TEMP_PREFIX):
                yield extra(f"{path}/{name}")
        elif not mode or data != want[name]:
            yield Finding(f"{path}/{name}", "changed")
        elif mode != FILE_MODE:
            yield of_mode(f"{path}/{name}", mode)
    yield from (Finding(f"{path}/{name}", "missing") for name in sorted(missing))


def _by_digest(home: Path, path: str) -> Iterator[Finding]:
    found = {}
    for name, mode, data in files_in(home):
        found[name] = data
        if mode and mode != FILE_MODE:
            yield of_mode(f"{path}/{name}", mode)
    if digest_of(digests(found)) != home.name:
        yield Finding(path, "changed")


def mode_of(layout: Layout, path: str, mode: int) -> Iterator[Finding]:
    """Compare the mode of what is there."""
    with suppress(FileNotFoundError):
        found = layout.path(path).stat().st_mode
        if stat.S_IMODE(found) != mode:
            yield of_mode(path, found)


def of_mode(path: str, found: int) -> Finding:
    """Report a mode."""
    return Finding(path, "mode", f"{stat.S_IMODE(found):04o}")


def extra(path: str) -> Finding:
    """Report what kp didn't put there."""
    return Finding(path, "extra", "not kp's")
