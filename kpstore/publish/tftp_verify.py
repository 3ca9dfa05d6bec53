"""Drift: how a target differs from what kp published there."""

import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.errors import CorruptState
from kpstore.publish.generation import Generation, NodeForm
from kpstore.publish.target import Finding
from kpstore.publish.tftp_defaults import Defaults
from kpstore.publish.tftp_entries import entry_texts
from kpstore.publish.tftp_folders import check_folder, extra, mode_of, of_mode
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
from kpstore.publish.tftp_reading import link_text, names_in, other_links
from kpstore.publish.tftp_stage import generation_links
from kpstore.publish.tftp_state import (
    Live,
    State,
    live_name,
    moving_to,
    read_identity,
    read_state,
)
from kpstore.publish.tftp_wanted import wanted

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
    for path, files in {**want.menus, **want.shards}.items():
        found += check_folder(layout, path, files)
    found += _objects(layout, generation, deep=deep)
    found += _extras(layout)
    found += _modes(layout)
    if deep:
        for names in layout.entries:
            found += _entries(layout, names, generation.nodes)
    identity = read_identity(layout)
    return [*found, *defaults.findings(identity.kept if identity else ())]


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
    yield from (extra(f"{LIVE}/{name}") for name in _foreign(present, ours))


def _entries(
    layout: Layout, names: EntryNames, nodes: Mapping[str, NodeForm | None]
) -> Iterator[Finding]:
    """Compare one loader's entry points with their text."""
    want = entry_texts(names, nodes)
    differing, more = other_links(layout.path(names.folder), want)
    for name, text in (differing | more).items():
        if text is None:
            if name in want:
                yield Finding(f"{names.folder}/{name}", "missing")
        elif mac := names.mac(name):
            yield _entry(names, mac, name, text, known=name in want)


def _entry(
    names: EntryNames, mac: str, name: str, text: str, *, known: bool
) -> Finding:
    """Say what is wrong with an entry point that has this text."""
    path, ours = f"{names.folder}/{name}", names.parse(mac, text) is not None
    if known:
        return Finding(path, "changed" if ours else "foreign")
    return Finding(path, "extra" if ours else "kept", "no node has this MAC")


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
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        yield Finding(name, "changed", "not a regular file")
        return
    with path.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() != digest:
            yield Finding(name, "changed")
        elif stat.S_IMODE(found.st_mode) != OBJECT_MODE:
            yield of_mode(name, found.st_mode)


def _extras(layout: Layout) -> Iterator[Finding]:
    """Report what is below `kp/` and has no name of kp's."""
    for name in _foreign(names_in(layout.path(KP)), _TOP):
        yield extra(f"{KP}/{name}")
    for folder in (MENUS, SHARDS, OBJECTS):
        for name in _foreign(names_in(layout.path(folder)), ()):
            if not is_digest(name):
                yield extra(f"{folder}/{name}")
    for name in _foreign(names_in(layout.path(GENERATIONS)), ()):
        if generation_of(f"generations/{name}") is None:
            yield extra(f"{GENERATIONS}/{name}")


def _modes(layout: Layout) -> Iterator[Finding]:
    """Report folders and files of fixed names that nodes couldn't read."""
    for folder in (KP, GENERATIONS, MENUS, SHARDS, OBJECTS, LIVE):
        yield from mode_of(layout, folder, 0o755)
    for names in layout.entries:  # the administrator's: readable is enough
        with suppress(FileNotFoundError):
            found = layout.path(names.folder).stat().st_mode
            if found & 0o005 != 0o005:  # noqa: PLR2004
                yield of_mode(names.folder, found)
    for file in (IDENTITY, f"{LIVE}/{STATE}"):
        yield from mode_of(layout, file, 0o644)


def _foreign(names: Collection[str], ours: Collection[str]) -> list[str]:
    """Return the names that aren't kp's; a temp may be a living process's."""
    others = (name for name in names if name not in ours)
    return sorted(name for name in others if not name.startswith(TEMP_PREFIX))
