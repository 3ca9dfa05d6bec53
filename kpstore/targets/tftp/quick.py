"""The quick look at a target: times, and what it can prove, whatever the node count.

A time that moved is no difference: a root that tar or cp restored has other times
throughout. What may have changed is compared by its bytes where they are named by
their content; entry points and default files only a rendering can tell.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

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
from kpstore.targets.tftp.format.links import (
    changed_since,
    is_folder,
    read_file,
)
from kpstore.targets.tftp.format.state import (
    GenerationState,
    LiveGeneration,
    generation_links,
    moving_to,
    read_live,
)
from kpstore.targets.values import Finding, Look

_AT: Final = "."  # the time since when parts are as they are
_OWN: Final = ".own"  # that of nodes' own files, where writers since passed them over
_TURN: Final = ".turn"  # whose turn it is where parts are many: a first digit
_DIGITS: Final = "0123456789abcdef"
_MANY: Final = 512  # parts that are looked at by each writer; of more a sixteenth


def stamps(layout: Layout, since: Mapping[str, str], *, files: bool) -> dict[str, str]:
    """Return the name of what is live, and the times at which its parts last changed.

    A folder's ctime moves with each name that comes, goes or is replaced in it, and
    with its mode. Only what nodes are sent to is in here, so a sweep changes none. Of
    what is named by its content, however much that is, one time tells: that of the
    switch, which comes after all of it; of what `quick` passed over, an earlier one.
    """
    live = read_live(layout)
    if live is None:
        return {LIVE: ""}
    found, turn = _stamps(layout, live), since.get(_TURN, "")
    if len(live.state.menus) + len(live.state.needs()) > _MANY:
        found[_TURN] = _DIGITS[(_DIGITS.find(turn) + 1) % 16] if turn else _DIGITS[0]
    if turn and not files:
        passed = (f"{_AT}{digit}" for digit in _DIGITS if digit != turn)
        found |= {at: since.get(at, since[_AT]) for at in passed}
    if _AT in since and not files:
        found[_OWN] = since.get(_OWN, since[_AT])
    return found


def _stamps(layout: Layout, live: LiveGeneration) -> dict[str, str]:
    times = {path: _changed_at(layout, path) for path in _watched(layout, live)}
    state = sha256(read_file(layout.generation(live.name) / STATE)).hexdigest()
    at = max(_changed_at(layout, path) for path in (KP, SHARDS))
    return {LIVE: live.name, f"{LIVE}/{STATE}": state, _AT: at} | times


def quick(layout: Layout, since: Mapping[str, str], *, files: bool = False) -> Look:
    """Compare with earlier stamps; none of what is live now, and nothing is known.

    `files`: look at the times of nodes' own files too, which are as many as nodes, and
    at all menus and objects, even of hundreds of images.
    """
    live, found = judged(layout)
    if found or live is None:
        return Look(found, sure=bool(found))
    known, now = since if since.get(LIVE) == live.name else {}, _stamps(layout, live)
    moved = {path for path, time in now.items() if known.get(path) != time}
    found += [*parts.attributes(layout, live), *_live(layout, live, known, moved)]
    found += parts.extras(layout, [home for home in parts.HOMES if home in moved])
    turns = _DIGITS if files else known.get(_TURN, _DIGITS)
    ages = {turn: known.get(f"{_AT}{turn}", known.get(_AT)) for turn in turns}
    found += _contents(layout, live.state, {t: int(at or 0) for t, at in ages.items()})
    if files and known:
        at = int(known.get(_OWN, known[_AT]))
        for digest in sorted(_touched(layout, live, at)):
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


def _contents(
    layout: Layout, state: GenerationState, since: Mapping[str, int]
) -> Iterator[Finding]:
    """Compare what is named by its content, and changed at a time or later.

    Of those first digits of which a time is given.
    """
    names = state.shelf_names.values()
    doubtful = changed_since(layout.path(SHELVES), names, since, (CONTENTS,))
    yield from parts.shelves(layout, state, doubtful)
    menus = {menu.digest for menu in state.menus.values()}
    loaders = [names.loader for names in layout.entries]
    for digest in sorted(changed_since(layout.path(MENUS), menus, since, loaders)):
        yield from check_folder(layout, f"{MENUS}/{digest}", None)
    objects = layout.path(OBJECTS)
    doubtful = changed_since(objects, state.needs(), since)
    yield from parts.objects(layout, sorted(doubtful))
    yield from parts.lost(layout, state, changed_since(objects, doubtful, since, ()))
    shards = {shard.digest for shard in state.shards.values()}
    for digest in sorted(changed_since(layout.path(SHARDS), shards, since, ())):
        yield from parts.shard(layout, digest)


def _touched(layout: Layout, live: LiveGeneration, at: int) -> set[str]:
    """Return the shards in which a file changed at a time or later, by its ctime.

    One made since was right when it was made: its own ctime tells.
    """
    shards = {shard.digest for shard in live.state.shards.values()}
    return {each for each in shards if _is_touched(layout.path(SHARDS, each), at)}


def _is_touched(folder: Path, at: int) -> bool:
    if not is_folder(folder):
        return False
    at = max(at, os.lstat(folder).st_ctime_ns)
    with os.scandir(folder) as entries:
        times = (entry.stat(follow_symlinks=False).st_ctime_ns for entry in entries)
        return any(time >= at for time in times)


def _watched(layout: Layout, live: LiveGeneration) -> Iterator[str]:
    yield from _entries(layout)
    yield from parts.HOMES
    yield f"{GENERATIONS}/{live.name}"


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
