"""Sweeping: what no kept generation needs goes; what is live can't.

What a generation needs is asked twice: STATE says it, and before anything goes a
reader that renders nothing looks at what stays, and must find nothing there that goes.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from kpstore.disk.durable import remove_tree, sweep_temporaries
from kpstore.errors import CorruptState, Refused
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    KP,
    LIVE,
    MENUS,
    OBJECTS,
    SHARDS,
    TRANSITIONS,
    Layout,
    generation_of,
    is_digest,
)
from kpstore.targets.tftp.format.links import link_text, names_in
from kpstore.targets.tftp.format.needs import Remembered, named_in
from kpstore.targets.tftp.format.state import Live, State, read_live, read_state

_PARTS: Final = (MENUS, SHARDS)


def sweep(
    layout: Layout,
    keep: Collection[str],
    remembered: Remembered,
    *,
    now: float,
    grace: float,
) -> list[str]:
    """Remove generations that nobody needs, and the parts that only they named.

    Kept: what is live, the newest generation of each of the commits `keep`, and those
    that were live within the last `grace` seconds. Objects that nothing names are kept
    for the grace time too. Returns the paths that went. Where a kept generation can't
    be read, nothing goes. Refused, and nothing goes, when what stays names what would
    go.
    """
    live = read_live(layout)
    if live is None:
        return _temporaries(layout)
    kept = {live.name: live.state}
    for name in _recent(layout, live, now - grace) | _of(layout, keep):
        try:
            kept[name] = read_state(layout, name)
        except CorruptState:
            return _temporaries(layout)
    going = _going(layout, kept, now - grace)
    _prove(layout, kept, going, remembered)
    return [*_remove(layout, going), *_temporaries(layout)]


def generations(layout: Layout) -> list[tuple[int, str]]:
    """Return revision and commit (12 digits) of the commits there, oldest first.

    Each once, however often it was drawn anew: mending makes no history.
    """
    return sorted({_commit_of(name) for name in _names(layout)})


def _names(layout: Layout) -> list[str]:
    names = names_in(layout.path(GENERATIONS))
    return [name for name in names if generation_of(f"generations/{name}")]


def _commit_of(name: str) -> tuple[int, str]:
    revision, _, commit = name.partition(".")[0].partition("-")
    return int(revision), commit


def _of(layout: Layout, commits: Collection[str]) -> set[str]:
    """Return the newest generation of each commit."""
    wanted = {commit[:12] for commit in commits}
    newest: dict[str, str] = {}
    for name in sorted(_names(layout), key=lambda n: int(n.partition(".")[2] or 0)):
        newest[_commit_of(name)[1]] = name
    return {name for commit, name in newest.items() if commit in wanted}


def _recent(layout: Layout, live: Live, since: float) -> set[str]:
    """Return the generations that were live after `since`.

    Each names the one before it, and was staged when that one was about to go. One
    that was staged and never switched to is in nobody's chain.
    """
    recent: set[str] = set()
    state = live.state
    while state.staged > since and generation_of(f"generations/{state.previous}"):
        if state.previous in recent or not _exists(layout, state.previous):
            break
        recent.add(state.previous)
        state = read_state(layout, state.previous)
    return recent


def _exists(layout: Layout, generation: str) -> bool:
    return layout.generation(generation).is_dir()


def _going(
    layout: Layout, kept: Mapping[str, State], since: float
) -> dict[str, list[str]]:
    """Return the names that go, by folder, in the order in which they go."""
    stays = set(kept)
    for state in kept.values():
        for folder, parts in ((MENUS, state.menus), (SHARDS, state.shards)):
            for part in parts.values():
                stays.add(part.digest)
                found = part.objects
                stays.update(
                    named_in(layout.path(folder, part.digest))
                    if found is None
                    else found
                )
    return {
        folder: sorted(
            name
            for name in names_in(layout.path(folder))
            if name not in stays
            and _is_ours(folder, name)
            and not (folder == OBJECTS and _newer(layout, name, since))
        )
        for folder in (GENERATIONS, MENUS, SHARDS, OBJECTS)
    }


def _is_ours(folder: str, name: str) -> bool:
    if folder == GENERATIONS:
        return generation_of(f"generations/{name}") is not None
    return is_digest(name)


def _newer(layout: Layout, name: str, since: float) -> bool:
    return os.lstat(layout.path(OBJECTS, name)).st_mtime > since


def _prove(
    layout: Layout,
    kept: Collection[str],
    going: Mapping[str, Collection[str]],
    remembered: Remembered,
) -> None:
    """Refused when what stays, read as it lies there, leads to what would go."""
    condemned = {
        f"{folder}/{name}" for folder in (*_PARTS, OBJECTS) for name in going[folder]
    }
    if not condemned:
        return
    for generation in kept:
        for part in _linked(layout, generation):
            objects = (f"{OBJECTS}/{each}" for each in _needs(layout, part, remembered))
            for path in (part, *objects):
                if path in condemned:
                    raise Refused(
                        f"{layout.base}: nothing is swept: {path} would go, and "
                        f"{GENERATIONS}/{generation} leads to it",
                        hint="kp verify, then kp publish draws the target anew",
                    )


def _linked(layout: Layout, generation: str) -> Iterator[str]:
    """Yield the parts to which a generation's links lead, by path."""
    home = layout.generation(generation)
    for name in names_in(home):
        text = link_text(home / name) or ""
        folder, _, part = text.removeprefix("../../").rpartition("/")
        if f"{KP}/{folder}" in _PARTS:
            yield f"{KP}/{folder}/{part}"


def _needs(layout: Layout, part: str, remembered: Remembered) -> frozenset[str]:
    found = remembered.get(part)
    if found is None:
        found = frozenset(named_in(layout.path(part)))
        remembered.put(part, found)
    return found


def _remove(layout: Layout, going: Mapping[str, list[str]]) -> Iterator[str]:
    for folder, names in going.items():
        for name in names:
            remove_tree(layout.path(folder, name))
            yield f"{folder}/{name}"


def _temporaries(layout: Layout) -> list[str]:
    folders = [KP, GENERATIONS, MENUS, SHARDS, OBJECTS, LIVE, f"{LIVE}/{TRANSITIONS}"]
    return [
        f"{folder}/{name}"
        for folder in folders
        for name in sweep_temporaries(layout.path(folder))
    ]
