"""Sweeping: what no kept generation needs goes; what is live can't.

What a generation needs is asked twice: STATE says it, and before anything goes a
reader that renders nothing looks at what stays, and must find nothing there that goes.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from kpstore.disk.durable import (
    remove,
    remove_trees,
    sweep_temporaries,
    sync_directory,
)
from kpstore.errors import CorruptState, Refused
from kpstore.targets.keep import Remembered
from kpstore.targets.tftp.format import retired
from kpstore.targets.tftp.format.aside import clear_folder
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    KP,
    LIVE,
    MENUS,
    OBJECTS,
    RETIRED,
    SHARDS,
    SHELVES,
    TRANSITIONS,
    Layout,
    generation_of,
    is_digest,
)
from kpstore.targets.tftp.format.links import link_text, names_in
from kpstore.targets.tftp.format.needs import named_in
from kpstore.targets.tftp.format.state import (
    GenerationState,
    LiveGeneration,
    read_live,
    read_state,
)

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
    to which look-ups under way are sent; what others served within the last `grace`
    seconds, and what those parts need; objects that nothing names are kept as long.
    Returns the paths that went. Where a kept generation can't be read, nothing goes.
    Refused, and nothing goes, when what stays names what would go.
    """
    live = read_live(layout)
    if live is None:
        return _temporaries(layout)
    since = now - grace
    kept = {live.name: live.state}
    if not retired.is_kept(layout):
        kept |= dict(retired.recent(layout, live, since))
    for name in _of(layout, keep) | _on_the_way(layout, live):
        try:
            kept[name] = read_state(layout, name)
        except CorruptState:
            return _temporaries(layout)
    young, old = retired.aged(layout, since)
    parts = _Parts(layout, kept, young, remembered)
    going = _going(layout, parts, since)
    _prove(layout, parts, going)
    gone = [*_forget(layout, old), *_remove(layout, going)]
    return [*gone, *_temporaries(layout)]


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


def _on_the_way(layout: Layout, live: LiveGeneration) -> set[str]:
    """Return the generations to which transition links of the last switches lead."""
    home = layout.generation(live.name) / TRANSITIONS
    texts = (link_text(home / key) or "" for key in names_in(home))
    found = {text.split("/")[2] for text in texts if text.startswith("../../")}
    return {name for name in found if layout.generation(name).is_dir()}


class _Parts:
    """What stays: generations, and parts that none of them may name any more."""

    def __init__(
        self,
        layout: Layout,
        kept: Mapping[str, GenerationState],
        young: Collection[str],
        remembered: Remembered,
    ) -> None:
        self.kept = kept
        self._layout = layout
        self._young = young
        self._remembered = remembered

    def named(self) -> Iterator[str]:
        """Yield what has to stay, by its name, as STATE and `kp/retired` say."""
        yield from self.kept
        yield from self._young
        for state in self.kept.values():
            yield from state.shelf_names.values()
            yield from state.needs()
            for folder, parts in ((MENUS, state.menus), (SHARDS, state.shards)):
                for part in parts.values():
                    yield part.digest
                    if part.objects is None:
                        yield from named_in(self._layout.path(folder, part.digest))

    def needed(self) -> Iterator[str]:
        """Yield the objects that young parts need, as their bytes say."""
        return (each for part in self.young() for each in self.needs(part))

    def young(self) -> Iterator[str]:
        """Yield the paths of the parts that were dropped lately."""
        for folder in _PARTS:
            home = self._layout.path(folder)
            yield from (f"{folder}/{name}" for name in names_in(home) & {*self._young})

    def linked(self) -> dict[str, str]:
        """Return all that is led to, by path, and what leads there."""
        found = dict.fromkeys(self.young(), f"{RETIRED} names it")
        for generation in self.kept:
            leads = f"{GENERATIONS}/{generation} leads to it"
            found |= dict.fromkeys(
                _linked(self._layout, GENERATIONS, generation), leads
            )
        for shelf in [path for path in found if path.startswith(f"{SHELVES}/")]:
            linked = _linked(self._layout, *shelf.rsplit("/", 1))
            found |= dict.fromkeys(linked, f"{shelf} leads to it")
        return found

    def needs(self, part: str) -> frozenset[str]:
        """Read what a part needs, once for ever."""
        found = self._remembered.get(part)
        if found is None:
            found = frozenset(named_in(self._layout.path(part)))
            self._remembered.put(part, found)
        return found


def _going(layout: Layout, parts: _Parts, since: float) -> dict[str, list[str]]:
    """Return the names that go, by folder, in the order in which they go."""
    stays = set(parts.named())
    going = {
        folder: sorted(
            name
            for name in names_in(layout.path(folder)) - stays
            if _is_ours(folder, name)
        )
        for folder in (GENERATIONS, SHELVES, *_PARTS, OBJECTS)
    }
    old = [name for name in going[OBJECTS] if not _newer(layout, name, since)]
    if old:
        old = sorted({*old}.difference(parts.needed()))
    return {**going, OBJECTS: old}


def _is_ours(folder: str, name: str) -> bool:
    if folder == GENERATIONS:
        return generation_of(f"generations/{name}") is not None
    return is_digest(name)


def _newer(layout: Layout, name: str, since: float) -> bool:
    return os.lstat(layout.path(OBJECTS, name)).st_mtime > since


def _prove(layout: Layout, parts: _Parts, going: Mapping[str, list[str]]) -> None:
    """Refused when what stays, read as it lies there, leads to what would go."""
    condemned = {
        f"{folder}/{name}"
        for folder in (SHELVES, *_PARTS, OBJECTS)
        for name in going[folder]
    }
    for part, why in parts.linked().items() if condemned else ():
        reads = going[OBJECTS] and part.startswith(_PARTS)
        needed = parts.needs(part) if reads else ()
        for path in (part, *(f"{OBJECTS}/{each}" for each in needed)):
            if path in condemned:
                raise Refused(
                    f"{layout.base}: nothing is swept: {path} would go, and {why}",
                    hint="kp verify, then kp publish draws the target anew",
                )


def _linked(layout: Layout, folder: str, of: str) -> Iterator[str]:
    """Yield the shelves and parts to which links lead, by path."""
    home = layout.path(folder, of)
    for name in names_in(home):
        text = link_text(home / name) or ""
        folder, _, part = text.removeprefix("../../").rpartition("/")
        if f"{KP}/{folder}" in (SHELVES, *_PARTS):
            yield f"{KP}/{folder}/{part}"


def _forget(layout: Layout, names: Collection[str]) -> Iterator[str]:
    """Remove names of what was dropped long ago: before what they name."""
    for name in names:
        clear_folder(layout, f"{RETIRED}/{name}")  # a stranger's
        remove(layout.path(RETIRED, name))
        yield f"{RETIRED}/{name}"
    if names:
        sync_directory(layout.path(RETIRED))


def _remove(layout: Layout, going: Mapping[str, list[str]]) -> Iterator[str]:
    for folder, names in going.items():
        remove_trees(layout.path(folder, name) for name in names)
        yield from (f"{folder}/{name}" for name in names)


def _temporaries(layout: Layout) -> list[str]:
    ours = (KP, GENERATIONS, SHELVES, MENUS, SHARDS, OBJECTS, RETIRED)
    folders = [*ours, LIVE, f"{LIVE}/{TRANSITIONS}"]
    return [
        f"{folder}/{name}"
        for folder in folders
        for name in sweep_temporaries(layout.path(folder))
    ]
