"""The quick look at a target: times, and what it can prove, whatever the node count.

A time that moved is no difference: a root that tar or cp restored has other times
throughout. What may have changed is compared by its bytes where they are named by
their content; entry points and default files only a rendering can tell.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from kpstore.targets.tftp import parts
from kpstore.targets.tftp.compare import check_folder
from kpstore.targets.tftp.format.damage import judged
from kpstore.targets.tftp.format.layout import (
    CONTENTS,
    GENERATIONS,
    KP,
    LIVE,
    MENUS,
    OBJECTS,
    SHARDS,
    SHELVES,
    STATE,
    Layout,
)
from kpstore.targets.tftp.format.links import is_folder, names_in, read_file
from kpstore.targets.tftp.format.state import (
    LiveGeneration,
    generation_links,
    moving_to,
    read_live,
)
from kpstore.targets.values import Finding, Look

_AT = "."  # the time since when nodes' own files are as they are


def stamps(layout: Layout) -> dict[str, str]:
    """Return the name of what is live, and the times at which its parts last changed.

    A folder's ctime moves with each name that comes, goes or is replaced in it, and
    with its mode. Only what nodes are sent to is in here, so a sweep changes none.
    """
    live = read_live(layout)
    return {LIVE: ""} if live is None else _stamps(layout, live)


def _stamps(layout: Layout, live: LiveGeneration) -> dict[str, str]:
    times = {path: _changed_at(layout, path) for path in _watched(layout, live)}
    state = sha256(read_file(layout.generation(live.name) / STATE)).hexdigest()
    at = max(_changed_at(layout, path) for path in (KP, SHARDS))
    return {LIVE: live.name, f"{LIVE}/{STATE}": state, _AT: at} | times


def quick(layout: Layout, since: Mapping[str, str], *, files: bool = False) -> Look:
    """Compare with earlier stamps; none of what is live now, and nothing is known.

    `files`: look at the times of nodes' own files too, which are as many as nodes.
    """
    live, found = judged(layout)
    if found or live is None:
        return Look(found, sure=bool(found))
    known, now = since if since.get(LIVE) == live.name else {}, _stamps(layout, live)
    moved = {path for path, time in now.items() if known.get(path) != time}
    found += [*parts.attributes(layout, live), *_live(layout, live, known, moved)]
    found += parts.extras(layout, [home for home in parts.HOMES if home in moved])
    found += parts.shelves(layout, live.state, moved)
    for digest in sorted(_doubtful(layout, live, known.get(_AT, ""))):
        found += check_folder(layout, f"{MENUS}/{digest}", None)
    found += _objects(layout, known, now, moved)
    touched = _touched(layout, live, known.get(_AT, "")) if files and known else set()
    for digest in sorted(_digests(SHARDS, moved) | touched):
        found += parts.shard(layout, digest)
    return Look(list(dict.fromkeys(found)), sure=not moved & {*_entries(layout)})


def _live(
    layout: Layout,
    live: LiveGeneration,
    known: Mapping[str, str],
    moved: Collection[str],
) -> Iterator[Finding]:
    state, home = f"{LIVE}/{STATE}", f"{GENERATIONS}/{live.name}"
    if known and state in moved:
        yield Finding(state, "changed", "since the last publish")
    if home in moved or moving_to(layout):
        yield from parts.live_links(layout, live, generation_links(live.state))


def _objects(
    layout: Layout,
    known: Mapping[str, str],
    now: Mapping[str, str],
    moved: Collection[str],
) -> Iterator[Finding]:
    """Hash those that moved; name the files of before that are gone."""
    yield from parts.objects(layout, sorted(_digests(OBJECTS, moved)))
    for path in sorted(known.keys() - now.keys()):
        if path.startswith(f"{OBJECTS}/") and is_folder(layout.path(path).parent):
            yield Finding(path, "missing")


def _digests(folder: str, paths: Iterable[str]) -> set[str]:
    below = f"{folder}/"
    return {path.split("/")[2] for path in paths if path.startswith(below)}


def _doubtful(layout: Layout, live: LiveGeneration, at: str) -> set[str]:
    """Return the menus of which something changed at a time or later, or is gone."""
    menus = {menu.digest for menu in live.state.menus.values()}
    if not at:
        return menus
    files = ("", *(f"/{names.loader}" for names in layout.entries))
    home, time = f"{layout.base}/{MENUS}", int(at)
    return {each for each in menus if _is_newer(f"{home}/{each}", files, time)}


def _is_newer(folder: str, files: Collection[str], time: int) -> bool:
    try:
        return any(os.lstat(f"{folder}{name}").st_ctime_ns >= time for name in files)
    except (FileNotFoundError, NotADirectoryError):
        return True


def _touched(layout: Layout, live: LiveGeneration, at: str) -> set[str]:
    """Return the shards in which a file changed later than `at`, as its ctime says."""
    shards = {shard.digest for shard in live.state.shards.values()}
    return {each for each in shards if _latest(layout.path(SHARDS, each)) > int(at)}


def _latest(folder: Path) -> int:
    """Return the last ctime in a folder, in nanoseconds; 0 for no folder."""
    if not is_folder(folder):
        return 0
    with os.scandir(folder) as entries:
        times = (entry.stat(follow_symlinks=False).st_ctime_ns for entry in entries)
        return max(times, default=0)


def _watched(layout: Layout, live: LiveGeneration) -> Iterator[str]:
    yield from _entries(layout)
    yield from parts.HOMES
    yield f"{GENERATIONS}/{live.name}"
    for each in live.state.needs():
        home = f"{OBJECTS}/{each}"
        yield home
        yield from (f"{home}/{name}" for name in names_in(layout.path(home)))
    yield from (f"{SHARDS}/{shard.digest}" for shard in live.state.shards.values())
    for name in live.state.shelf_names.values():
        home = f"{SHELVES}/{name}"
        yield from (home, f"{home}/{CONTENTS}")


def _entries(layout: Layout) -> Iterator[str]:
    """Name what only a rendering can be compared with."""
    for names in layout.entries:
        yield names.folder
        yield names.default_path


def _changed_at(layout: Layout, path: str) -> str:
    try:
        return str(os.lstat(f"{layout.base}/{path}").st_ctime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return ""
