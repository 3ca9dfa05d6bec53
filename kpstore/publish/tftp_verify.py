"""Drift: how a target differs from what kp published there."""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.errors import CorruptState
from kpstore.publish.generation import Generation, NodeForm
from kpstore.publish.target import Finding
from kpstore.publish.tftp_content import digest_of, digests
from kpstore.publish.tftp_defaults import Defaults
from kpstore.publish.tftp_entries import form_for
from kpstore.publish.tftp_layout import (
    GENERATIONS,
    IDENTITY,
    KP,
    LIVE,
    MENUS,
    MOVING,
    OBJECTS,
    SHARDS,
    STATE,
    TRANSITIONS,
    EntryNames,
    Layout,
    generation_of,
    is_digest,
)
from kpstore.publish.tftp_reading import link_text, names_in
from kpstore.publish.tftp_stage import generation_links
from kpstore.publish.tftp_state import Live, State, live_name, moving_to, read_state
from kpstore.publish.tftp_wanted import Folder, wanted

OBJECT_MODE = 0o444
_TOP = {"TARGET", "live", "generations", "menus", "shards", "objects"}


def verify(
    layout: Layout,
    generation: Generation,
    policy: Mapping[str, bytes],
    defaults: Defaults,
    *,
    deep: bool,
) -> list[Finding]:
    """Compare a target with a complete generation; see `TftpTarget.verify`."""
    live, found = _read_live(layout)
    want = wanted(layout, generation, policy, deep=deep)
    if live is not None:
        found += _generation(layout, live, want.state)
    for path, files in {**want.menus, **(want.shards if deep else {})}.items():
        found += check_folder(layout, path, files)
    found += _objects(layout, generation, deep=deep)
    found += _extras(layout)
    found += _modes(layout)
    if deep:
        for names in layout.entries:
            found += _entries(layout, names, generation.nodes)
    return [*found, *defaults.findings()]


def _read_live(layout: Layout) -> tuple[Live | None, list[Finding]]:
    try:
        name = live_name(layout)
    except CorruptState as error:
        return None, [Finding(LIVE, "changed", error.message)]
    if name is None:
        return None, [Finding(LIVE, "missing")]
    try:
        return Live(name, read_state(layout, name)), []
    except CorruptState as error:
        return None, [Finding(f"{LIVE}/{STATE}", "changed", error.message)]


def _generation(layout: Layout, live: Live, want: State) -> Iterator[Finding]:
    """Compare the live generation: its marker and its links."""
    if moving_to(layout):
        detail = f"entry points are moving to {moving_to(layout)}"
        yield Finding(LIVE, "unfinished", detail)
    if live.state.marker != want.marker:
        was = live.state.marker
        yield Finding(f"{LIVE}/{STATE}", "changed", f"it serves r{was.revision}")
    links = generation_links(want)
    present = names_in(layout.path(LIVE))
    for name, text in links.items():
        if name not in present:
            yield Finding(f"{LIVE}/{name}", "missing")
        elif link_text(layout.path(LIVE, name)) != text:
            yield Finding(f"{LIVE}/{name}", "changed")
    ours = {STATE, MOVING, TRANSITIONS, *links}
    yield from (_extra(f"{LIVE}/{name}") for name in _foreign(present, ours))


def check_folder(layout: Layout, path: str, files: Folder | None) -> Iterator[Finding]:
    """Compare a folder's files with their bytes, or all of it with its name."""
    home = layout.path(path)
    present = names_in(home)
    if home.is_symlink() or not present:
        yield Finding(path, "changed" if home.is_symlink() else "missing")
        return
    yield from _mode_of(layout, path, 0o755)
    found = {}
    for name in sorted(present & (files.keys() if files is not None else present)):
        data, finding = _read(home / name, f"{path}/{name}", 0o644)
        if finding:
            yield finding
        elif files is not None and data != files[name]:
            yield Finding(f"{path}/{name}", "changed")
        found[name] = data
    if files is None:
        if digest_of(digests(found)) != home.name:
            yield Finding(path, "changed")
        return
    yield from (Finding(f"{path}/{n}", "missing") for n in files.keys() - present)
    yield from (_extra(f"{path}/{name}") for name in _foreign(present, files))


def _read(path: Path, name: str, mode: int) -> tuple[bytes, Finding | None]:
    """Read a regular file that must have `mode`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return b"", Finding(name, "changed", error.strerror or "")
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- by descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return b"", Finding(name, "changed", "not a regular file")
        wrong = stat.S_IMODE(found.st_mode) != mode
        data = file.read()
    return data, _mode(name, found.st_mode) if wrong else None


def _entries(
    layout: Layout, names: EntryNames, nodes: Mapping[str, NodeForm | None]
) -> Iterator[Finding]:
    """Compare one loader's entry points with their text."""
    forms = ((mac, form_for(node, names.loader)) for mac, node in nodes.items())
    want = {names.name(mac): names.text(mac, form) for mac, form in forms if form}
    home = layout.path(names.folder)
    prefix = f"{home}/"
    for name in names_in(home):
        text = want.pop(name, None)
        if text is None:
            if mac := names.mac(name):
                yield _leftover(names, mac, name, link_text(prefix + name) or "")
        elif (found := link_text(prefix + name)) != text:
            ours = names.parse(names.mac(name) or "", found or "") is not None
            yield Finding(f"{names.folder}/{name}", "changed" if ours else "foreign")
    yield from (Finding(f"{names.folder}/{name}", "missing") for name in want)


def _leftover(names: EntryNames, mac: str, name: str, text: str) -> Finding:
    path = f"{names.folder}/{name}"
    if names.parse(mac, text) is None:
        return Finding(path, "foreign", "no node has this MAC")
    return Finding(path, "extra", "kp's, but no node has this MAC")


def _objects(
    layout: Layout, generation: Generation, *, deep: bool
) -> Iterator[Finding]:
    for each in generation.objects:
        if not layout.path(each.path).exists():
            yield Finding(each.path, "missing")
    home = layout.path(OBJECTS)
    for digest in sorted(names_in(home)) if deep else ():
        for name in sorted(names_in(home / digest)):
            yield from _object(home / digest / name, digest)


def _object(path: Path, digest: str) -> Iterator[Finding]:
    name = f"{OBJECTS}/{digest}/{path.name}"
    if path.name.startswith(TEMP_PREFIX):
        return
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        yield Finding(name, "changed", "not a regular file")
        return
    with path.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest:
            yield Finding(name, "changed")
        elif stat.S_IMODE(found.st_mode) != OBJECT_MODE:
            yield _mode(name, found.st_mode)


def _extras(layout: Layout) -> Iterator[Finding]:
    """Report what is below `kp/` and has no name of kp's."""
    for name in _foreign(names_in(layout.path(KP)), _TOP):
        yield _extra(f"{KP}/{name}")
    for folder in (MENUS, SHARDS, OBJECTS):
        for name in _foreign(names_in(layout.path(folder)), ()):
            if not is_digest(name):
                yield _extra(f"{folder}/{name}")
    for name in _foreign(names_in(layout.path(GENERATIONS)), ()):
        if generation_of(f"generations/{name}") is None:
            yield _extra(f"{GENERATIONS}/{name}")


def _modes(layout: Layout) -> Iterator[Finding]:
    """Report folders and files of fixed names that nodes couldn't read."""
    for folder in (KP, GENERATIONS, MENUS, SHARDS, OBJECTS, LIVE):
        yield from _mode_of(layout, folder, 0o755)
    for names in layout.entries:
        yield from _mode_of(layout, names.folder, 0o755)
    for file in (IDENTITY, f"{LIVE}/{STATE}"):
        yield from _mode_of(layout, file, 0o644)


def _mode_of(layout: Layout, path: str, mode: int) -> Iterator[Finding]:
    with suppress(FileNotFoundError):
        found = layout.path(path).stat().st_mode
        if stat.S_IMODE(found) != mode:
            yield _mode(path, found)


def _mode(path: str, found: int) -> Finding:
    return Finding(path, "mode", f"{stat.S_IMODE(found):04o}")


def _extra(path: str) -> Finding:
    return Finding(path, "extra", "not kp's")


def _foreign(names: Collection[str], ours: Collection[str]) -> list[str]:
    """Return the names that aren't kp's; a temp may be a living process's."""
    others = (name for name in names if name not in ours)
    return sorted(name for name in others if not name.startswith(TEMP_PREFIX))
