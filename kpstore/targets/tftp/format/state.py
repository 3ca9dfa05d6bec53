"""STATE: what a generation is, and the live one as it is found on a target."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from kpstore.errors import CorruptState
from kpstore.targets.tftp.format import ground
from kpstore.targets.tftp.format.layout import (
    IDENTITY,
    LIVE,
    MENUS,
    MOVING,
    SHARDS,
    STATE,
    Layout,
    generation_of,
)
from kpstore.targets.tftp.format.links import is_folder, link_text, read_file
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
class Part:
    """A menu's or shard's directory by its content, and the objects that it needs.

    `objects` None: an older kp did not write what a shard needs; its files say it.
    """

    digest: str
    objects: tuple[str, ...] | None = field(default=(), compare=False)


@dataclass(frozen=True)
class State:
    """What a generation is made of.

    `menus` holds retired templates too; `retired` says since when (seconds since the
    epoch). `previous` is the generation that was live when this one was staged: the
    chain of those that nodes have seen. `folders`: loader -> entry points' folder.
    """

    marker: Marker
    staged: float
    previous: str
    menus: Mapping[str, Part]
    retired: Mapping[str, float]
    shards: Mapping[str, Part]
    folders: Mapping[str, str] = field(default_factory=dict)

    def templates(self) -> list[str]:
        """Return the templates that nodes are sent to."""
        return [name for name in self.menus if name not in self.retired]

    def parts(self) -> tuple[Part, ...]:
        """Return the menus and shards that it links."""
        return (*self.menus.values(), *self.shards.values())

    def needs(self) -> frozenset[str]:
        """Return the SHA-256s of the objects that it serves, as it says."""
        return needs_of(self.parts())

    def serves_as(self, other: "State") -> bool:
        """Tell whether nodes get the same from both, retired menus aside."""
        return (
            self.marker == other.marker
            and self.shards == other.shards
            and self.folders == other.folders
            and _current(self) == _current(other)
        )


def needs_of(parts: Iterable[Part]) -> frozenset[str]:
    """Return the SHA-256s of the objects that parts need, as far as it is said."""
    return frozenset(sha256 for part in parts for sha256 in part.objects or ())


def _current(state: State) -> dict[str, Part]:
    return {name: state.menus[name] for name in state.templates()}


@dataclass(frozen=True)
class Live:
    """The generation that `live` leads to."""

    name: str
    state: State


def encode_state(state: State) -> bytes:
    """Return the canonical JSON of STATE, sealed by the digest of all the rest."""
    marker = state.marker
    document = {
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
            for name, menu in state.menus.items()
        },
    }
    return canonical({**document, "seal": _seal(document)})


@lru_cache(maxsize=16)  # one command reads the live one several times
def decode_state(data: bytes) -> State:
    """Read STATE; ValueError, KeyError or TypeError when it isn't whole.

    An older kp wrote no seal, no renderer, and of a shard the digest alone.
    """
    found: dict[str, Any] = json.loads(data)
    if found.pop("seal", None) not in (None, _seal(found)):
        raise ValueError("its seal is not that of what it says")
    return State(
        Marker(
            found["site"],
            found["commit"],
            found["revision"],
            found["inputs"],
            found.get("renderer", ""),
        ),
        float(found["staged"]),
        found["previous"],
        {
            name: Part(menu["menu"], tuple(menu["objects"]))
            for name, menu in found["templates"].items()
        },
        found["retired"],
        {xx: _shard(shard) for xx, shard in found["shards"].items()},
        found["folders"],
    )


def _shard(found: str | dict[str, Any]) -> Part:
    if isinstance(found, str):
        return Part(found, None)
    return Part(found["shard"], tuple(found["objects"]))


def _seal(document: Mapping[str, Any]) -> str:
    return sha256(canonical(document)).hexdigest()


def canonical(document: Mapping[str, Any]) -> bytes:
    """Write JSON as all of kp's documents are written."""
    text = json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False)
    return f"{text}\n".encode()


def generation_links(state: State) -> dict[str, str]:
    """Return the links of a generation, name -> text."""
    menus = {name: f"../../{MENUS[3:]}/{m.digest}" for name, m in state.menus.items()}
    shards = {
        f"~{xx}": f"../../{SHARDS[3:]}/{s.digest}" for xx, s in state.shards.items()
    }
    return menus | shards


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


def read_state(layout: Layout, generation: str) -> State:
    """Read the STATE of a generation; CorruptState when it isn't whole."""
    path = layout.generation(generation) / STATE
    if not is_folder(path.parent):
        raise _damaged(path, "its generation is gone")
    try:
        return decode_state(read_file(path))
    except _UNREADABLE as error:
        raise _damaged(path, str(error)) from error


def read_live(layout: Layout) -> Live | None:
    """Read what is live, None before the first publish; CorruptState if damaged."""
    for finding in ground.amiss(layout):
        raise _damaged(layout.path(finding.path), finding.detail)
    name = live_name(layout)
    return None if name is None else Live(name, read_state(layout, name))


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


def encode_identity(identity: Identity) -> bytes:
    """Return the canonical JSON of TARGET."""
    return canonical(
        {
            "hold": identity.hold,
            "kept": list(identity.kept),
            "site": identity.site,
            "target": identity.target,
        }
    )


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
