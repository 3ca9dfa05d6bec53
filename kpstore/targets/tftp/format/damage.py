"""What of a target's own can't be read, so that it can't be judged: named, not raised.

A target whose live generation can't be read lags: all of it is drawn anew. One whose
TARGET can't be read is absent: nobody knows whose it is.
"""

from contextlib import suppress

from kpstore.errors import CorruptState
from kpstore.targets.tftp.format import ground, shelves
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    IDENTITY,
    KP,
    LIVE,
    SHELVES,
    STATE,
    Layout,
)
from kpstore.targets.tftp.format.links import (
    is_folder,
    kind_of,
    names_in,
    read_file,
)
from kpstore.targets.tftp.format.state import (
    LiveGeneration,
    live_name,
    read_identity,
    read_live,
    read_state,
    shelves_in,
)
from kpstore.targets.values import Finding, Identity


def known(layout: Layout) -> Identity | None:
    """Read whose target it is; None, too, where that can't be read or trusted."""
    try:
        return read_identity(layout) if layout.is_confined else None
    except CorruptState:
        return None


def trusted(layout: Layout) -> LiveGeneration | None:
    """Read what is live; None, too, where it can't be read: to be drawn anew whole."""
    try:
        return read_live(layout)
    except CorruptState:
        return None


def examine(layout: Layout) -> tuple[LiveGeneration | None, list[Finding]]:
    """Look at what is live, and name what keeps it from being read or trusted."""
    shelves.look_again(layout)
    found = ground.amiss(layout)
    if any(each.path in (KP, GENERATIONS) for each in found):
        return None, found
    try:
        name = live_name(layout)
    except CorruptState as error:
        return None, [*found, Finding(LIVE, "changed", error.message)]
    if name is None:
        return None, [*found, Finding(LIVE, "missing")]
    if not is_folder(layout.generation(name)):
        return None, [*found, _gone(layout, f"{GENERATIONS}/{name}")]
    try:
        return LiveGeneration(name, read_state(layout, name)), found
    except CorruptState as error:
        return None, [*found, *_unreadable(layout, name, error.message)]


def _unreadable(layout: Layout, name: str, why: str) -> list[Finding]:
    """Name what keeps STATE from being read: shelves, else STATE itself."""
    wrong = []
    with suppress(OSError, ValueError, TypeError, AttributeError):
        data = read_file(layout.generation(name) / STATE)
        for shelf in shelves_in(data).values():
            try:
                shelves.read(*shelves.find(layout, [shelf]))
            except CorruptState as error:
                wrong.append(Finding(f"{SHELVES}/{shelf}", "changed", error.message))
    return wrong or [Finding(f"{LIVE}/{STATE}", "changed", why)]


def judged(layout: Layout) -> tuple[LiveGeneration | None, list[Finding]]:
    """Read what is live, and name what keeps the target from being judged.

    That is damage of TARGET, or of what is live; a target that nothing was published
    to yet has none.
    """
    if not layout.is_confined:
        return None, ground.amiss(layout)
    try:
        identity = read_identity(layout)
    except CorruptState as error:
        return None, [Finding(IDENTITY, "changed", error.message)]
    if identity is None:
        return None, []
    live, found = examine(layout)
    if live is None and not (
        kind_of(layout.path(LIVE)) or names_in(layout.path(GENERATIONS))
    ):
        found = [each for each in found if each.path != LIVE]
    return live, found


def damage(layout: Layout) -> list[Finding]:
    """Name what keeps the target from being judged: whose it is, or what is live."""
    return judged(layout)[1]


def _gone(layout: Layout, path: str) -> Finding:
    there = kind_of(layout.path(path))
    return Finding(path, "changed" if there else "missing", "it is live")
