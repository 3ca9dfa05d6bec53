"""`kp/retired`: what no generation names any more, kept for who is on the way to it.

One link for each menu and shard that a switch dropped: `<seconds>-<digest>`, which
leads to it; the name alone counts. It is durable before the switch, so whatever was
live within the grace time is named by a generation or here. A root without the folder
is one of before: there the chain of generations says it.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.targets.tftp.format.layout import (
    MENUS,
    RETIRED,
    SHARDS,
    Layout,
    generation_of,
)
from kpstore.targets.tftp.format.links import is_folder, link_text, names_in
from kpstore.targets.tftp.format.state import (
    GenerationState,
    LiveGeneration,
    read_state,
)
from kpstore.targets.values import Finding

_DIGITS: Final = 64
_NAME: Final = re.compile(r"([0-9]{10,})-([0-9a-f]{64})")


def is_kept(layout: Layout) -> bool:
    """Tell whether switches name here what they drop."""
    return is_folder(layout.path(RETIRED))


def names_of(dropped: Mapping[str, str], now: float) -> dict[str, str]:
    """Return the names of parts that go at a time, and their links' texts."""
    return {
        f"{math.ceil(now):010d}-{digest}": f"../{folder.removeprefix('kp/')}/{digest}"
        for digest, folder in dropped.items()
    }


def dropped(old: Iterable[GenerationState], new: GenerationState) -> dict[str, str]:
    """Return the parts of generations that another has not: digest -> folder."""
    found = {
        part.digest: folder
        for state in old
        for folder, had, has in (
            (MENUS, state.menus, new.menus),
            (SHARDS, state.shards, new.shards),
        )
        for name, part in had.items()
        if has.get(name) is not part
    }
    stays = {part.digest for part in new.parts()} if found else set[str]()
    return {digest: found[digest] for digest in found.keys() - stays}


def recent(
    layout: Layout, live: LiveGeneration, since: float
) -> Iterator[tuple[str, GenerationState]]:
    """Yield the generations that were live after `since`; CorruptState if damaged.

    Each names the one before it, and was staged when that one was about to go. One
    that was staged and never switched to is in nobody's chain.
    """
    seen, state = {live.name}, live.state
    while state.staged > since and generation_of(f"generations/{state.previous}"):
        name = state.previous
        if name in seen or not layout.generation(name).is_dir():
            break
        seen.add(name)
        state = read_state(layout, name)
        yield name, state


def aged(layout: Layout, since: float) -> tuple[set[str], list[str]]:
    """Return the digests of what was dropped after `since`, and the names of the rest.

    Ten thousand names are read by their halves: `findings` says whether they are kp's.
    """
    young: set[str] = set()
    old: list[str] = []
    for name in names_in(layout.path(RETIRED)):
        time, _, digest = name.partition("-")
        if len(digest) != _DIGITS or not time.isdecimal():
            continue
        if int(time) > since:
            young.add(digest)
        else:
            old.append(name)
    return young, sorted(old)


def findings(layout: Layout) -> Iterator[Finding]:
    """Report names there that aren't the links that they say."""
    for name in sorted(names_in(layout.path(RETIRED))):
        found = _NAME.fullmatch(name)
        if found is None:
            if not name.startswith(TEMP_PREFIX):
                yield Finding(f"{RETIRED}/{name}", "extra", "not kp's")
        elif link_text(layout.path(RETIRED, name)) not in _texts(found[2]):
            yield Finding(f"{RETIRED}/{name}", "changed", "not the link of that name")


def text_for(layout: Layout, name: str) -> str:
    """Return the text that the link of a name must have; '' for no name of kp's."""
    found = _NAME.fullmatch(name)
    if found is None:
        return ""
    menu, shard = _texts(found[2])
    return shard if is_folder(layout.path(SHARDS, found[2])) else menu


def _texts(digest: str) -> Collection[str]:
    return (f"../menus/{digest}", f"../shards/{digest}")
