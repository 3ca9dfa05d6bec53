"""Where everything lies on a TFTP target, and the text of every link there.

The layout is docs/format.md's. A path to a menu passes through `live` exactly once:
entry point -> live -> shelf -> template -> menu.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.targets.tftp.format.links import confined
from kpstore.targets.tftp.generation import POLICY

KP: Final = "kp"
LIVE: Final = "kp/live"
IDENTITY: Final = "kp/TARGET"
GENERATIONS: Final = "kp/generations"
MENUS: Final = "kp/menus"
SHARDS: Final = "kp/shards"
OBJECTS: Final = "kp/objects"
SHELVES: Final = "kp/shelves"
RESERVE: Final = "kp/reserve"
RETIRED: Final = "kp/retired"  # what no generation names any more, by time
STATE: Final = "STATE"  # in a generation: what it is
TRANSITIONS: Final = "+"  # in a generation: where moving entry points lead
MOVING: Final = "MOVING"  # in a generation: entry points are under way; names where to
CONTENTS: Final = "CONTENTS"  # in a shelf: its templates, with what their menus need
SUMS: Final = "SHA256SUMS"  # in a shard: its files, as sha256sum writes them

# How a loader's entry points are called: folder, what stands before and after a MAC,
# and the name of what unknown nodes get.
Lookup = tuple[str, str, str, str]

# What an entry point leads to: a template's place in a generation, or one of these.
OWN: Final = "~"  # the node's own file
NOTHING: Final = ""

_TEMPLATE = rf"{POLICY}|[A-Za-z0-9][A-Za-z0-9._+~-]{{0,63}}~[0-9a-f]{{12}}"
_TEMPLATE_NAME = re.compile(_TEMPLATE)
_GENERATION = re.compile(r"[0-9]{6,}-[0-9a-f]{12}(\.[0-9]+)?")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_DASHED_MAC = re.compile(r"([0-9a-f]{2}-){5}[0-9a-f]{2}")
_KEY = re.compile(r"(\+/[0-9a-f]{16})/(.*)")
_WORD = r"(?!\.\.?(/|$))[A-Za-z0-9._-]+"
_FOLDER = re.compile(rf"(?!kp(/|$)){_WORD}(/{_WORD})*")


def dashed(mac: str) -> str:
    """Write a MAC as loaders ask for it."""
    return mac.replace(":", "-")


def shard_of(mac: str) -> str:
    """Name the shard of a MAC: two hex digits."""
    return hashlib.sha256(mac.encode()).hexdigest()[:2]


def own_file(mac: str, loader: str) -> str:
    """Name a node's own file in its shard."""
    return f"{dashed(mac)}.{loader}"


@lru_cache(maxsize=8192)
def shelf_of(template: str) -> str:
    """Name the shelf of a template: two hex digits."""
    return hashlib.sha256(template.encode()).hexdigest()[:2]


def place_of(template: str, *, flat: bool = False) -> str:
    """Return where a generation has a template; `flat` in one of before.

    The policy has the same place for ever: files outside of `kp/` lead there.
    """
    return (
        template if flat or template == POLICY else f"{shelf_of(template)}/{template}"
    )


def template_at(place: str) -> str:
    """Return the template that has a place, flat or not; '' where none can have it."""
    shelf, _, template = place.rpartition("/")
    if not _TEMPLATE_NAME.fullmatch(template):
        return ""
    return template if shelf in ("", shelf_of(template)) else ""


def transition_key(*what: str) -> str:
    """Name a transition link; no two switches share one."""
    return hashlib.sha256("\n".join(what).encode()).hexdigest()[:16]


def check_template(name: str) -> str:
    """Return `name`; InvalidInput unless it may name a template's link."""
    if not _TEMPLATE_NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} is not the name of a template")
    return name


def check_mac(mac: str) -> str:
    """Return `mac`; InvalidInput unless it is in canonical form."""
    if not _MAC.fullmatch(mac):
        raise InvalidInput(f"{mac!r} is not a MAC address", hint="aa:bb:cc:dd:ee:ff")
    return mac


def generation_of(link: str) -> str | None:
    """Return the name of the generation that `live` says, if kp wrote that text."""
    folder, _, name = link.partition("/")
    if folder == "generations" and _GENERATION.fullmatch(name):
        return name
    return None


def is_digest(name: str) -> bool:
    """Tell a name that kp gives by content."""
    return bool(_DIGEST.fullmatch(name))


@dataclass(frozen=True)
class EntryNames:
    """One loader's entry points: their folder below the root, and their names."""

    loader: str
    folder: str
    head: str
    tail: str
    default: str

    @cached_property
    def live(self) -> str:
        """The way from the folder to the live generation."""
        return "../" * (self.folder.count("/") + 1) + "kp/live/"

    @property
    def default_path(self) -> str:
        """The path, below kp's root, of what unknown nodes get."""
        return f"{self.folder}/{self.default}"

    def name(self, mac: str) -> str:
        """Name the entry point of a MAC."""
        return f"{self.head}{mac.replace(':', '-')}{self.tail}"

    def names(self, macs: Iterable[str]) -> list[str]:
        """Name the entry points of many MACs, in their order."""
        between = f"{self.tail}\n{self.head}"
        dashed = between.join(macs).replace(":", "-")
        return f"{self.head}{dashed}{self.tail}".split("\n") if dashed else []

    def mac(self, name: str) -> str | None:
        """Return the MAC whose entry point has this name."""
        if not (name.startswith(self.head) and name.endswith(self.tail)):
            return None
        mac = name[len(self.head) : len(name) - len(self.tail)]
        return mac.replace("-", ":") if _DASHED_MAC.fullmatch(mac) else None

    def text(self, mac: str, form: str) -> str:
        """Return the plain text of a MAC's entry point that leads to `form`."""
        if form == OWN:
            return f"{self.live}~{shard_of(mac)}/{own_file(mac, self.loader)}"
        return f"{self.live}{form}/{self.loader}"

    def moving(self, key: str, mac: str = "") -> str:
        """Return an entry point's text while it moves; by a link of `mac`, if given."""
        file = own_file(mac, self.loader) if mac else self.loader
        return f"{self.live}{TRANSITIONS}/{key}/{file}"

    def parse(self, mac: str, text: str) -> str | None:
        """Return the form that a text says; None if it is foreign.

        While moving it is the transition's path in the generation: `+/KEY`, or
        `+/KEY/FILE` for one of a node's own.
        """
        if not text.startswith(self.live):
            return None
        if text == self.text(mac, OWN):
            return OWN
        rest = text[len(self.live) :]
        if (moving := _KEY.fullmatch(rest)) and moving[2] == self.loader:
            return moving[1]
        if moving and moving[2] == own_file(mac, self.loader):
            return rest
        place, _, loader = rest.rpartition("/")
        return place if loader == self.loader and template_at(place) else None


class Layout:
    """The places of one target: its root, resolved once, and its loaders' folders."""

    def __init__(
        self,
        root: Path,
        loaders: Sequence[str],
        prefix: str,
        lookups: Mapping[str, Lookup],
    ) -> None:
        """`loaders` are the target's, `lookups` those of all that it ever had."""
        self.root = Path(os.path.realpath(root))
        below = _folder(prefix, "prefix") if prefix else ""
        found = confined(self.root, below)
        self.is_confined = found is not None  # else nothing is to be done there
        self.base = found or self.root / below
        self._lookups = lookups
        for loader, lookup in lookups.items():
            _folder(lookup[0], f"the folder of {loader},")
        self.entries = tuple(self.names(loader) for loader in loaders)

    def names(self, loader: str, folder: str = "") -> EntryNames:
        """Return a loader's entry points, in `folder` if they were there once."""
        if loader not in self._lookups:
            raise InvalidInput(
                f"a TFTP target has no loader {loader!r}",
                hint=", ".join(self._lookups),
            )
        known, *names = self._lookups[loader]
        return EntryNames(loader, folder or known, *names)

    def path(self, *parts: str) -> Path:
        """Return a path below kp's root."""
        return self.base.joinpath(*parts)

    def generation(self, name: str) -> Path:
        """Return the directory of a generation."""
        return self.base / GENERATIONS / name


def _folder(name: str, what: str) -> str:
    if not _FOLDER.fullmatch(name):
        raise InvalidInput(
            f"{what} {name!r} is not a folder below the TFTP root",
            hint="words of letters, digits and . _ -, with / between; not kp",
        )
    return name
