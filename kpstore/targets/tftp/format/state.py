"""STATE: what a generation is, and the live one as it is found on a target."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from kpstore.errors import CorruptState
from kpstore.targets.tftp.format import ground, shelves
from kpstore.targets.tftp.format.canonical import canonical
from kpstore.targets.tftp.format.layout import (
    IDENTITY,
    LIVE,
    MOVING,
    SHARDS,
    SHELVES,
    STATE,
    Layout,
    generation_of,
    place_of,
)
from kpstore.targets.tftp.format.links import is_folder, link_text, read_file
from kpstore.targets.tftp.format.part import Part, needs_of
from kpstore.targets.tftp.format.shelves import Menus, Shelf
from kpstore.targets.tftp.generation import POLICY
from kpstore.targets.values import Identity, Marker

_UNREADABLE = (  # what no retry would help; other errors of the disk pass raw
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    RecursionError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)


@dataclass(frozen=True)
class GenerationState:
    """What a generation is made of.

    `menus` holds retired templates too; `retired` says since when (seconds since the
    epoch). `previous` is the generation that was live when this one was staged: the
    chain of those that nodes have seen. `folders`: loader -> entry points' folder.

    One of before is `flat`: it links its templates itself, and has no shelves. For as
    many switches as `both` says a generation after it has both, for look-ups under way.
    `known` are shelves that are there: one that is the same is not named anew.
    """

    marker: Marker
    staged: float
    previous: str
    menus: Mapping[str, Part]
    retired: Mapping[str, float]
    shards: Mapping[str, Part]
    folders: Mapping[str, str] = field(default_factory=dict)
    flat: bool = False
    both: int = 0
    known: Mapping[str, Shelf] = field(default_factory=dict, compare=False)

    def templates(self) -> list[str]:
        """Return the templates that nodes are sent to."""
        return [name for name in self.menus if name not in self.retired]

    @cached_property
    def shelves(self) -> Mapping[str, Shelf]:
        """What it has on each shelf, by two hex digits."""
        return {} if self.flat else shelves.split(self.menus, self.known)

    @cached_property
    def shelf_names(self) -> Mapping[str, str]:
        """The name of each shelf."""
        return {xx: shelf.name for xx, shelf in self.shelves.items()}

    def direct(self) -> Menus:
        """Return the menus that it links itself: the policy's; all where it is flat."""
        if self.flat or self.both:
            return self.menus
        return {POLICY: self.menus[POLICY]} if POLICY in self.menus else {}

    def has(self, place: str) -> bool:
        """Tell whether it has a template at a place."""
        template = place.rpartition("/")[2]
        if template not in self.menus:
            return False
        return place == place_of(template, flat=self.flat) or place in self.direct()

    def parts(self) -> tuple[Part, ...]:
        """Return the menus and shards that it links."""
        return (*self.menus.values(), *self.shards.values())

    def needs(self) -> frozenset[str]:
        """Return the SHA-256s of the objects that it serves, as it says."""
        return self._needs

    @cached_property
    def _needs(self) -> frozenset[str]:
        rest = needs_of((*self.direct().values(), *self.shards.values()))
        return rest.union(*(shelf.needs for shelf in self.shelves.values()))

    def serves_as(self, other: "GenerationState") -> bool:
        """Tell whether nodes get the same from both, retired menus aside."""
        return (
            self.marker == other.marker
            and self.shards == other.shards
            and self.folders == other.folders
            and self.flat == other.flat
            and _current(self) == _current(other)
        )


def _current(state: GenerationState) -> dict[str, Part]:
    return {name: state.menus[name] for name in state.templates()}


@dataclass(frozen=True)
class LiveGeneration:
    """The generation that `live` leads to."""

    name: str
    state: GenerationState


def encode_state(state: GenerationState) -> bytes:
    """Return the canonical JSON of STATE, sealed by the digest of all the rest."""
    marker = state.marker
    direct = state.menus if state.flat else replace(state, both=0).direct()
    document: dict[str, Any] = {
        "commit": marker.commit,
        "folders": dict(state.folders),
        "inputs": dict(marker.inputs),
        "previous": state.previous,
        "renderer": marker.renderer,
        "retired": dict(state.retired),
        "revision": marker.revision,
        "shards": {
            xx: {"shard": shard.digest, "objects": list(shard.objects or ())}
            for xx, shard in state.shards.items()
        },
        "site": marker.site,
        "staged": state.staged,
        "templates": {
            name: {"menu": menu.digest, "objects": list(menu.objects or ())}
            for name, menu in direct.items()
        },
    }
    if not state.flat:
        document["shelves"] = dict(state.shelf_names)
    if state.both:
        document["both"] = state.both
    return canonical({**document, "seal": _seal(document)})


@lru_cache(maxsize=16)  # one command reads the live one several times
def decode_state(
    data: bytes, on_shelves: tuple[shelves.ShelfFile, ...]
) -> GenerationState:
    """Read STATE, and the shelves that it links.

    ValueError, KeyError or TypeError when it isn't whole, CorruptState for a shelf. An
    older kp wrote no seal, no renderer, no shelves, and of a shard the digest alone.
    """
    found = _parsed(data)
    menus = {
        name: Part(menu["menu"], tuple(menu["objects"]))
        for name, menu in found["templates"].items()
    }
    read = [shelves.read(each) for each in on_shelves]
    for shelf in read:
        menus |= shelf
    return GenerationState(
        Marker(
            found["site"],
            found["commit"],
            found["revision"],
            found["inputs"],
            found.get("renderer", ""),
        ),
        float(found["staged"]),
        found["previous"],
        menus,
        found["retired"],
        {xx: _shard(shard) for xx, shard in found["shards"].items()},
        found["folders"],
        "shelves" not in found,
        found.get("both", 0),
        dict(zip(found.get("shelves", ()), read, strict=True)),
    )


def shelves_in(data: bytes) -> dict[str, str]:
    """Name the shelves that STATE links; ValueError if it isn't whole."""
    return dict(_parsed(data).get("shelves", {}))


@lru_cache(maxsize=16)
def _parsed(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(data)
    if found.pop("seal", None) not in (None, _seal(found)):
        raise ValueError("its seal is not that of what it says")
    return found


def _shard(found: str | dict[str, Any]) -> Part:
    if isinstance(found, str):
        return Part(found, None)
    return Part(found["shard"], tuple(found["objects"]))


def _seal(document: Mapping[str, Any]) -> str:
    return sha256(canonical(document)).hexdigest()


def generation_links(state: GenerationState) -> dict[str, str]:
    """Return the links of a generation, name -> text."""
    kept = {xx: f"../../{SHELVES[3:]}/{s}" for xx, s in state.shelf_names.items()}
    shards = {
        f"~{xx}": f"../../{SHARDS[3:]}/{s.digest}" for xx, s in state.shards.items()
    }
    return shelves.links(state.direct()) | kept | shards


def live_name(layout: Layout) -> str | None:
    """Return the name of the live generation, None when nothing was published.

    Raises CorruptState when `live` is not a link that kp made.
    """
    live = layout.path(LIVE)
    text = link_text(live)
    if text is None:
        return None
    if name := generation_of(text):
        return name
    raise _damaged(live, "it leads elsewhere" if text else "it is not a link")


def read_state(layout: Layout, generation: str) -> GenerationState:
    """Read the STATE of a generation; CorruptState when it isn't whole."""
    path = layout.generation(generation) / STATE
    if not is_folder(path.parent):
        raise _damaged(path, "its generation is gone")
    try:
        data = read_file(path)
        names = shelves_in(data).values()
        return decode_state(data, shelves.find(layout, names))
    except _UNREADABLE as error:
        raise _damaged(path, str(error)) from error


def read_live(layout: Layout) -> LiveGeneration | None:
    """Read what is live, None before the first publish; CorruptState if damaged."""
    for finding in ground.amiss(layout):
        raise _damaged(layout.path(finding.path), finding.detail)
    name = live_name(layout)
    return None if name is None else LiveGeneration(name, read_state(layout, name))


def moving_to(layout: Layout) -> str:
    """Name the generation that entry points are moving to; '' when none moves."""
    return link_text(layout.path(LIVE, MOVING)) or ""


def read_identity(layout: Layout) -> Identity | None:
    """Read TARGET, None when the target is absent; CorruptState if damaged."""
    path = layout.path(IDENTITY)
    try:
        found = json.loads(read_file(path))
        kept = tuple(found["kept"])
        return Identity(found["site"], found["target"], found["hold"], kept)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except _UNREADABLE as error:
        raise _unknown(path, str(error)) from error


def _damaged(path: Path, why: str) -> CorruptState:
    return CorruptState(
        f"{path} is not as kp wrote it: {why}",
        hint="kp publish draws the target anew and sets aside what it finds",
    )


def _unknown(path: Path, why: str) -> CorruptState:
    return CorruptState(
        f"{path} is not as kp wrote it: {why}",
        hint="kp target adopt says anew whose it is, kp publish then mends the rest",
    )
