"""Sweeping: what no kept generation needs goes; what is live can't."""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from kpstore.disk.durable import remove_tree, sweep_temporaries
from kpstore.errors import CorruptState
from kpstore.publish.tftp_layout import (
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
from kpstore.publish.tftp_reading import names_in
from kpstore.publish.tftp_state import Live, State, read_live, read_state


def sweep(
    layout: Layout, keep: Collection[str], *, now: float, grace: float
) -> list[str]:
    """Remove generations that nobody needs, and the parts that only they named.

    Kept: what is live, the generations of the commits `keep`, and those that were
    live within the last `grace` seconds. Objects that nothing names are kept for
    the grace time too. Returns the paths that went. Where a kept generation can't be
    read, nothing goes.
    """
    live = read_live(layout)
    if live is None:
        return _temporaries(layout)
    commits = {commit[:12] for commit in keep}
    kept = {live.name: live.state}
    for name in _recent(layout, live, now - grace) | _of(layout, commits):
        try:
            kept[name] = read_state(layout, name)
        except CorruptState:
            return _temporaries(layout)
    return [*_remove(layout, kept, now - grace), *_temporaries(layout)]


def generations(layout: Layout) -> list[tuple[int, str]]:
    """Return revision and commit (12 digits) of the generations, oldest first."""
    found = (
        name.partition(".")[0].partition("-")
        for name in names_in(layout.path(GENERATIONS))
        if generation_of(f"generations/{name}")
    )
    return sorted((int(revision), commit) for revision, _, commit in found)


def _of(layout: Layout, commits: Collection[str]) -> set[str]:
    names = names_in(layout.path(GENERATIONS))
    return {n for n in names if n.partition("-")[2].partition(".")[0] in commits}


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


def _remove(layout: Layout, kept: dict[str, State], since: float) -> Iterator[str]:
    parts = frozenset().union(*(state.parts() for state in kept.values()))
    yield from _remove_others(layout, GENERATIONS, kept.keys())
    yield from _remove_others(layout, MENUS, parts)
    yield from _remove_others(layout, SHARDS, parts)
    yield from _remove_others(layout, OBJECTS, parts, since)


def _remove_others(
    layout: Layout, folder: str, keep: Collection[str], since: float | None = None
) -> Iterator[str]:
    """Remove all of a folder that has kp's kind of name and isn't to be kept."""
    for name in sorted(set(names_in(layout.path(folder))) - set(keep)):
        path = layout.path(folder, name)
        if not _is_ours(folder, name) or (since is not None and _newer(path, since)):
            continue
        remove_tree(path)
        yield f"{folder}/{name}"


def _is_ours(folder: str, name: str) -> bool:
    if folder == GENERATIONS:
        return generation_of(f"generations/{name}") is not None
    return is_digest(name)


def _newer(path: Path, since: float) -> bool:
    return os.lstat(path).st_mtime > since


def _temporaries(layout: Layout) -> list[str]:
    folders = [KP, GENERATIONS, MENUS, SHARDS, OBJECTS, LIVE, f"{LIVE}/{TRANSITIONS}"]
    return [
        f"{folder}/{name}"
        for folder in folders
        for name in sweep_temporaries(layout.path(folder))
    ]
