"""What is there for a way back, or for a node between two requests.

Generations that aren't live, and the menus and shards that `kp/retired` names.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from kpstore.disk.durable import Batch
from kpstore.errors import CorruptState, NotFound
from kpstore.targets.tftp.format.content import write_objects
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    KP,
    MENUS,
    RETIRED,
    SHARDS,
    Layout,
    generation_of,
)
from kpstore.targets.tftp.format.links import kind_of, link_text, names_in
from kpstore.targets.tftp.format.needs import paths_in
from kpstore.targets.tftp.format.state import GenerationState, live_name, read_state
from kpstore.targets.values import ArtifactSource, ObjectFile


class Kept(NamedTuple):
    """Generations by name, those that can't be read, and parts by path with why."""

    generations: Mapping[str, GenerationState]
    unread: list[str]
    parts: Mapping[str, str]


def kept(layout: Layout) -> Kept:
    """Read what is kept beside what is live."""
    live = ""
    with suppress(CorruptState):
        live = live_name(layout) or ""
    newest = {name.partition(".")[0]: name for name in _by_age(layout)}
    found, unread, parts = dict[str, GenerationState](), list[str](), dict[str, str]()
    for name in sorted({*newest.values()} - {live}):
        try:
            found[name] = state = read_state(layout, name)
        except CorruptState:
            unread.append(name)
            continue
        for folder, those in ((MENUS, state.menus), (SHARDS, state.shards)):
            for part in those.values():
                parts.setdefault(f"{folder}/{part.digest}", f"generation {name}")
    for name in sorted(names_in(layout.path(RETIRED))):
        text = link_text(layout.path(RETIRED, name)) or ""
        folder, _, digest = f"{KP}/{text.removeprefix('../')}".rpartition("/")
        if folder in (MENUS, SHARDS):
            parts.setdefault(f"{folder}/{digest}", RETIRED)
    return Kept(found, unread, parts)


def _by_age(layout: Layout) -> list[str]:
    """Return the generations; of one commit, drawn anew, the newest last."""
    names = names_in(layout.path(GENERATIONS))
    ours = (name for name in names if generation_of(f"generations/{name}"))
    return sorted(ours, key=lambda name: int(name.partition(".")[2] or 0))


def named(layout: Layout, parts: Iterable[str]) -> list[str]:
    """Return the paths of the objects that parts name, each once."""
    return sorted({path for part in parts for path in paths_in(layout.path(part))})


def objects(layout: Layout, state: GenerationState) -> list[str]:
    """Return the paths of the objects that retired menus of a generation name."""
    menus = (f"{MENUS}/{state.menus[name].digest}" for name in state.retired)
    return named(layout, menus)


def lost(layout: Layout, state: GenerationState) -> list[str]:
    """Return those that aren't there."""
    return [path for path in objects(layout, state) if not kind_of(layout.path(path))]


def restore(layout: Layout, path: str, artifacts: ArtifactSource) -> None:
    """Copy an object anew, where its artifact can be had."""
    wanted = ObjectFile(path.split("/")[2], 0, path)
    with suppress(NotFound, CorruptState), Batch(temps=layout.path(KP)) as batch:
        write_objects(layout, [wanted], artifacts, batch)
        batch.commit()
