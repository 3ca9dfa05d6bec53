"""Comparing one folder of a TFTP target: by its files' bytes, or by its name."""

from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.disk.sharing import fits
from kpstore.targets.tftp.format.content import digest_of, digests
from kpstore.targets.tftp.format.ground import of_mode, of_name, owners
from kpstore.targets.tftp.format.layout import Layout
from kpstore.targets.tftp.format.links import (
    FOLDER_MODE,
    SeenFile,
    files_in,
    is_folder,
    is_open_folder,
    kind_of,
)
from kpstore.targets.values import Finding

FILE_MODE = 0o644
Folder = Mapping[str, bytes]  # file name -> bytes


def holds(home: Path, files: Folder) -> bool:
    """Tell whether a folder has these files, by their bytes and their mode."""
    if not is_open_folder(home):
        return False
    there = dict(files_in(home))
    wanted = ((there.get(name), data) for name, data in files.items())
    return all(s and has_mode(home, s) and s.data == data for s, data in wanted)


def has_mode(home: Path, seen: SeenFile) -> bool:
    """Tell whether a file in a folder has the mode of kp's."""
    return seen.mode is not None and fits(home, seen.mode, FILE_MODE)


def check_folder(layout: Layout, path: str, want: Folder | None) -> Iterator[Finding]:
    """Compare a folder's files with their bytes, or all of it with its name."""
    home = layout.path(path)
    if not is_folder(home):
        yield Finding(path, "changed" if kind_of(home) else "missing")
        return
    yield from of_name(layout, path, FOLDER_MODE)
    found, ours = dict(files_in(home)), owners(layout, path)
    for name, seen in found.items():
        if want is None or (name in want and seen.data == want[name]):
            yield from of_seen(layout, f"{path}/{name}", seen, ours)
        elif name in want:
            yield Finding(f"{path}/{name}", "changed")
        elif not name.startswith(TEMP_PREFIX):
            yield extra(f"{path}/{name}")
    missing = sorted(want.keys() - found.keys()) if want else ()
    yield from (Finding(f"{path}/{name}", "missing") for name in missing)
    if want is None:
        there = {name: seen.data for name, seen in found.items()}
        if digest_of(digests(there)) != home.name:
            yield Finding(path, "changed")


def of_seen(
    layout: Layout, path: str, seen: SeenFile, ours: Container[int]
) -> Iterator[Finding]:
    """Compare what is no matter of bytes: kind, mode, and owner."""
    if seen.mode is None:
        yield Finding(path, "changed", "not a regular file that can be read")
    elif not has_mode(layout.path(path), seen):
        yield of_mode(path, seen.mode)
    elif seen.owner not in ours:
        yield Finding(path, "owner", f"user {seen.owner}'s")


def extra(path: str) -> Finding:
    """Report what kp didn't put there."""
    return Finding(path, "extra", "not kp's")
