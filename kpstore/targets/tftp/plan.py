"""What publishing a generation would do: worked out before anything is written."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from kpstore.errors import CorruptState, Refused
from kpstore.targets.tftp.format import retired
from kpstore.targets.tftp.format.content import GenerationParts
from kpstore.targets.tftp.format.damage import trusted
from kpstore.targets.tftp.format.entries import EntryWork, moves, straighten
from kpstore.targets.tftp.format.layout import LIVE, Layout, generation_of
from kpstore.targets.tftp.format.links import link_text
from kpstore.targets.tftp.format.state import (
    GenerationState,
    LiveGeneration,
    moving_to,
    read_live,
)
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.survey import shelved, survey
from kpstore.targets.values import FilePlan, Leeway, Marker

_BLOCK = 4096
CARRIED = 8  # switches: a look-up may be under way over so many


@dataclass(frozen=True)
class Planned:
    """What is live, what is to be, and the work between the two.

    `state` is None when nodes get the same from what is live: then only entry
    points are brought to their form. `retired` are the names of what the switch drops.
    """

    old: LiveGeneration | None
    name: str
    state: GenerationState | None
    content: GenerationParts
    entries: EntryWork
    retired: Mapping[str, str] = field(default_factory=dict)

    @property
    def new_folders(self) -> bool:
        """Tell whether a loader may lack its folder and default file as yet."""
        if self.state is None:
            return False
        return self.old is None or self.old.state.folders != self.state.folders

    @property
    def new_defaults(self) -> bool:
        """Tell whether default files are to be made, or are another version's."""
        if self.new_folders or self.state is None or self.old is None:
            return self.new_folders
        return self.old.state.marker.renderer != self.state.marker.renderer

    def plan(self) -> FilePlan:
        """Name the files that nodes can tell: contents and entry points."""
        write = (*self.content.written(), *self.entries.written())
        return FilePlan(write, tuple(self.entries.removed()))

    def space(self) -> tuple[int, int]:
        """Return the bytes and the inodes that it needs, at most."""
        sizes = list(self.content.sizes())
        made = sum(map(len, self.entries.create.values()))
        moved = len(self.entries.old_side) + len(self.entries.new_side)
        links = made + moved
        if self.state is not None:
            links += len(self.state.menus) + len(self.state.shards) + 4
            links += 3 * len(self.state.shelves)
            links += len(self.retired) + 1
        blocks = sum(-(-size // _BLOCK) or 1 for size in sizes)
        return blocks * _BLOCK + links * 64, len(sizes) + links


def prepare(
    layout: Layout,
    generation: Generation,
    policy: Mapping[str, bytes],
    leeway: Leeway,
) -> Planned:
    """Work out how `generation` becomes live; a complete one needs nothing that is.

    Raises Refused for a foreign file in a node's way that it may not take,
    CorruptState when a difference is to damage.
    """
    old = trusted(layout) if generation.complete else read_live(layout)
    live = generation_of(link_text(layout.path(LIVE)) or "")
    if old is not None and not generation.complete:
        _check_base(layout, generation, old)
    content = survey(
        layout, generation, policy, old.state if old else None, leeway.doubted
    )
    going = {} if leeway.afresh else _retired(generation, content, old)
    state = _state(layout, generation, content, old, going)
    if old is None and live is not None:
        state = replace(state, both=CARRIED)  # who knows what nodes are sent to
    content = shelved(layout, content, state, None if generation.complete else old)
    name = _free_name(generation.marker, live)
    if old is not None and old.state.serves_as(state) and not leeway.afresh:
        return Planned(old, old.name, None, content, _straight(layout, generation, old))
    entries = moves(
        layout,
        old,
        name,
        state,
        generation.nodes,
        complete=generation.complete,
        take=leeway.take,
    )
    names = _dropped(layout, generation, old, state)
    return Planned(old, name, state, content, entries, names)


def _dropped(
    layout: Layout,
    generation: Generation,
    old: LiveGeneration | None,
    new: GenerationState,
) -> dict[str, str]:
    """Return the names in `kp/retired` of what the switch drops.

    On a root of before, of all that was dropped within the grace time.
    """
    if old is None:
        return {}
    before, since = [old.state], generation.now - generation.grace
    if not retired.is_kept(layout):
        with suppress(CorruptState):  # of what can't be read nothing is known
            before += (state for _, state in retired.recent(layout, old, since))
    return retired.names_of(retired.dropped(before, new), generation.now)


def _straight(
    layout: Layout, generation: Generation, live: LiveGeneration
) -> EntryWork:
    return straighten(layout, live, generation.nodes, complete=generation.complete)


def _check_base(layout: Layout, generation: Generation, old: LiveGeneration) -> None:
    """Refuse a difference to something else than what is live."""
    under_way = moving_to(layout)
    if under_way and base_name(generation.marker) != under_way.partition(".")[0]:
        raise Refused(
            f"{layout.base}: the switch to {under_way} was interrupted",
            hint="kp publish finishes it",
        )
    if old.state.flat or old.state.folders != folders(layout):
        raise Refused(
            f"{layout.base}: the loaders, their folders or the layout are not those of "
            f"r{old.state.marker.revision}; all of it must be published",
        )


def _state(
    layout: Layout,
    generation: Generation,
    content: GenerationParts,
    old: LiveGeneration | None,
    going: Mapping[str, float],
) -> GenerationState:
    menus = dict(content.menus)
    if old is not None:
        menus |= {name: old.state.menus[name] for name in going}
    return GenerationState(
        generation.marker,
        generation.now,
        old.name if old else "",
        menus,
        going,
        content.shards,
        folders(layout),
        flat=generation.drawn_before and old is not None and old.state.flat,
        both=_both(generation, old),
        known=old.state.shelves if old else {},
    )


def _both(generation: Generation, old: LiveGeneration | None) -> int:
    """Return over how many switches places of before stay, beside those on shelves."""
    if old is None or (generation.drawn_before and old.state.flat):
        return 0
    return CARRIED if old.state.flat else max(0, old.state.both - 1)


def _retired(
    generation: Generation, content: GenerationParts, old: LiveGeneration | None
) -> dict[str, float]:
    """Return the templates that live only for nodes between two requests.

    Those of the last switches that retired any.
    """
    if old is None:
        return {}
    gone = old.state.menus.keys() - content.menus.keys()
    since = {name: old.state.retired.get(name, generation.now) for name in gone}
    last = sorted({*since.values()})[-CARRIED:]
    young = {time for time in last if generation.now - time < generation.grace}
    return {name: time for name, time in since.items() if time in young}


def folders(layout: Layout) -> dict[str, str]:
    """Return each loader's folder of entry points."""
    return {names.loader: names.folder for names in layout.entries}


def base_name(marker: Marker) -> str:
    """Name a commit's generation."""
    return f"{marker.revision:06d}-{marker.commit[:12]}"


def _free_name(marker: Marker, live: str | None) -> str:
    """Name the generation to be; what is live is never written to.

    A commit that is live and must be drawn anew (repair, a newer kp) gets `.1`, `.2`
    ... behind its name.
    """
    base = base_name(marker)
    name, _, count = (live or "").partition(".")
    return f"{base}.{int(count or 0) + 1}" if name == base else base
