"""Staging: everything of a generation durable beside the live one, unseen."""

from collections.abc import Mapping
from pathlib import Path

from kpstore.disk.durable import (
    TEMP_PREFIX,
    Batch,
    NewDirectory,
    remove_tree,
    sync_directory,
)
from kpstore.disk.space import require
from kpstore.errors import CorruptState
from kpstore.targets.tftp.format import retired
from kpstore.targets.tftp.format.aside import displace, set_aside
from kpstore.targets.tftp.format.entries import EntryWork
from kpstore.targets.tftp.format.layout import (
    KP,
    LIVE,
    MENUS,
    MOVING,
    OBJECTS,
    RETIRED,
    SHARDS,
    STATE,
    TRANSITIONS,
    Layout,
)
from kpstore.targets.tftp.format.links import (
    folders_in,
    is_folder,
    kind_of,
    link_text,
    names_in,
)
from kpstore.targets.tftp.format.needs import named_in
from kpstore.targets.tftp.format.part import needs_of
from kpstore.targets.tftp.format.state import (
    GenerationState,
    encode_state,
    generation_links,
    read_state,
)
from kpstore.targets.tftp.plan import CARRIED, Planned
from kpstore.targets.values import ArtifactSource


def write_generation(
    layout: Layout, prepared: Planned, artifacts: ArtifactSource, found: Path | None
) -> list[Path]:
    """Make a generation durable; return the paths that it added.

    What is in the way goes to `found`. Raises Refused when there is no room, or
    without a `found`; CorruptState when what it needs isn't there, OSError. Then
    nothing was added but what `sweep` removes.
    """
    require(layout.path(KP), *prepared.space())
    _make_way(layout, prepared, found)
    home = layout.generation(prepared.name)
    with Batch(temps=layout.path(KP)) as batch:  # one place for what a kill leaves
        made = prepared.content.write(layout, artifacts, batch)
        if prepared.state is not None:
            remove_tree(home)  # of an attempt that was interrupted
            folder = batch.directory(home)
            _write_links(layout, folder, prepared.state, prepared)
            _write_transitions(folder, prepared.entries, _carried(layout, prepared))
            made += [home, *_write_retired(layout, prepared.retired, batch)]
        batch.commit()
    if prepared.state is not None:
        _read_back(layout, prepared)
    written = {path.parent for path in made}
    for shared in prepared.content.reused:
        # An attempt that was killed may have left a name that isn't durable.
        if layout.path(shared) not in written:
            sync_directory(layout.path(shared))
    return made


def _read_back(layout: Layout, prepared: Planned) -> None:
    """Hold what STATE says against the bytes there; CorruptState where they differ."""
    state = read_state(layout, prepared.name)
    new = {*prepared.content.new_menus, *prepared.content.new_shards}
    for folder, parts in ((MENUS, state.menus), (SHARDS, state.shards)):
        for part in parts.values():
            if part.digest not in new:
                continue
            home = layout.path(folder, part.digest)
            if named_in(home) != part.objects:
                raise CorruptState(f"{home} needs other objects than STATE says")
    gone = state.needs() - folders_in(layout.path(OBJECTS))
    if gone:
        current = (state.menus[name] for name in state.templates())
        gone &= needs_of((*current, *state.shards.values()))
    for sha256 in gone:
        raise CorruptState(
            f"{layout.path(OBJECTS, sha256)} is gone, and menus name it",
            hint="kp publish draws the target anew",
        )


def _make_way(layout: Layout, prepared: Planned, found: Path | None) -> None:
    """Set aside what will be replaced, and remove what no rename can replace."""
    for path in prepared.content.there(layout):
        is_part = path.count("/") > 2  # noqa: PLR2004 -- kp/menus/<digest>/<file>
        if not is_part or is_folder(layout.path(path)):
            displace(layout, path, found)
        elif found is not None:
            set_aside(layout, path, found)
    if found is not None:
        live = () if link_text(layout.path(LIVE)) else (LIVE,)
        for path in (*live, *prepared.entries.taken):
            set_aside(layout, path, found)


def _write_retired(
    layout: Layout, names: Mapping[str, str], batch: Batch
) -> list[Path]:
    """Name what the switch drops; return what is new."""
    home = layout.path(RETIRED)
    if not retired.is_kept(layout):
        folder = batch.directory(home)  # by one rename: where it is, all is named
        for name, text in names.items():
            folder.link(name, text)
        return [home]
    new = [home / name for name in names if not kind_of(home / name)]
    for path in new:
        batch.link(path, names[path.name])
    return new


def _write_links(
    layout: Layout, folder: NewDirectory, state: GenerationState, prepared: Planned
) -> None:
    entries, old = prepared.entries, prepared.old
    folder.file(STATE, encode_state(state))
    like = layout.generation(old.name) if old else None
    folder.links(generation_links(state), like)
    if entries.after:
        folder.link(MOVING, prepared.name)


def _write_transitions(
    folder: NewDirectory, entries: EntryWork, carried: Mapping[str, str]
) -> None:
    if not entries.new_side and not carried:
        return
    home = folder.directory(TRANSITIONS)
    inner: dict[str, NewDirectory] = {}
    for path, text in (*entries.new_side.items(), *carried.items()):
        key, _, file = path.partition("/")
        if not file:
            home.link(key, text)
            continue
        if key not in inner:
            inner[key] = home.directory(key)
        inner[key].link(file, text)


def _carried(layout: Layout, prepared: Planned) -> dict[str, str]:
    """Return links to the transitions of the last switches.

    A look-up that read an entry point while it moved may reach `live` only some
    switches later (a server's thread waits for a processor for milliseconds): by
    these it still finds what it was sent to, in the generation of that time.
    """
    if prepared.old is None:
        return {}
    home = layout.generation(prepared.old.name) / TRANSITIONS
    entries, carried = prepared.entries, {}
    mine = {path.partition("/")[0] for path in (*entries.old_side, *entries.new_side)}
    for key in names_in(home) - mine:  # those are there if this was tried before
        if key.startswith(TEMP_PREFIX):
            continue
        text = link_text(home / key) or ""
        own = not text.startswith("../../")
        carried[key] = f"../../{prepared.old.name}/{TRANSITIONS}/{key}" if own else text
    origins = {text.split("/")[2] for text in carried.values()}
    newest = sorted(origins, key=_revision)[-CARRIED:]
    return {k: text for k, text in carried.items() if text.split("/")[2] in newest}


def _revision(generation: str) -> int:
    return int(generation.partition("-")[0])
