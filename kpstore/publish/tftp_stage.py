"""Staging: everything of a generation durable beside the live one, unseen."""

from pathlib import Path

from kpstore.disk.durable import Batch, NewDirectory, remove_tree, sync_directory
from kpstore.disk.space import require
from kpstore.publish.target import Artifacts
from kpstore.publish.tftp_entries import EntryWork
from kpstore.publish.tftp_layout import (
    KP,
    MENUS,
    MOVING,
    SHARDS,
    STATE,
    TRANSITIONS,
    Layout,
)
from kpstore.publish.tftp_prepare import Prepared
from kpstore.publish.tftp_state import State, encode_state


def write_generation(
    layout: Layout, prepared: Prepared, artifacts: Artifacts
) -> list[Path]:
    """Make a generation durable; return the paths that it added.

    Raises Refused when there is no room, OSError; then nothing was added but what
    `sweep` removes.
    """
    require(layout.path(KP), *prepared.space())
    home = layout.generation(prepared.name)
    with Batch() as batch:
        made = prepared.content.write(layout, artifacts, batch)
        if prepared.state is not None:
            remove_tree(home)  # of an attempt that was interrupted
            _write_links(batch.directory(home), prepared.state, prepared)
            made.append(home)
        batch.commit()
    written = {path.parent for path in made}
    for folder in prepared.content.reused:
        # An attempt that was killed may have left a name that isn't durable.
        if layout.path(folder) not in written:
            sync_directory(layout.path(folder))
    return made


def _write_links(folder: NewDirectory, state: State, prepared: Prepared) -> None:
    entries = prepared.entries
    folder.file(STATE, encode_state(state))
    for link, text in generation_links(state).items():
        folder.link(link, text)
    if entries.after:
        folder.link(MOVING, prepared.name)
    if entries.new_side:
        _write_transitions(folder.directory(TRANSITIONS), entries)


def generation_links(state: State) -> dict[str, str]:
    """Return the links of a generation, name -> text."""
    menus = {name: f"../../{MENUS[3:]}/{m.digest}" for name, m in state.menus.items()}
    shards = {f"~{xx}": f"../../{SHARDS[3:]}/{d}" for xx, d in state.shards.items()}
    return menus | shards


def _write_transitions(folder: NewDirectory, entries: EntryWork) -> None:
    inner: dict[str, NewDirectory] = {}
    for path, text in entries.new_side.items():
        key, _, file = path.partition("/")
        if not file:
            folder.link(key, text)
            continue
        if key not in inner:
            inner[key] = folder.directory(key)
        inner[key].link(file, text)
