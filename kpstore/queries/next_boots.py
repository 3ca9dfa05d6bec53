"""How many nodes boot each image, and which by a next boot of their own.

Free of models, for `kp status`: the index counts, else nodes are read as written.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpstore.history.index.database import Index
from kpstore.model.folding import fold
from kpstore.site.overrides import Overridden, overridden
from kpstore.site.reader import SiteReader, utc

Boots = Mapping[str, tuple[str, str]]
"""Image and entry of each node that has a next boot, by its name."""


@dataclass(frozen=True)
class OverrideLine:
    """A next boot of nodes (`count` of them, folded): who gave it, since when (UTC).

    `revision` and `since` are None where history can't be read.
    """

    image: str
    entry: str
    nodes: str
    count: int
    by: list[str]
    revision: str | None
    since: str | None


def booting(reader: SiteReader, tip: str) -> tuple[Counter[str], Boots]:
    """Count the nodes by image ('': none), and return all next boots."""
    counted = reader.from_index(tip, _indexed)
    if counted is not None:
        return counted
    nodes = list(reader.nodes(tip))
    boots = dict(filter(None, map(_next_boot, nodes)))
    images = (boots.get(n["name"], (n["image"] or "",))[0] for n in nodes)
    return Counter(images), boots


def _next_boot(node: Mapping[str, Any]) -> tuple[str, tuple[str, str]] | None:
    if not node["next"]:
        return None
    image, _, entry = node["next"]["entry"].rpartition("/")
    return node["name"], (image or node["image"] or "", entry)


def _indexed(index: Index) -> tuple[Counter[str], Boots]:
    counted, booted = Counter[str](), index.nodes_by_boot()
    for image, _, number in booted:
        counted[image] += number
    if not any(entry for _, entry, _ in booted):
        return counted, {}
    keys = ((key, json.loads(key)) for key in index.templates())
    return counted, {
        name: (image, entry)
        for key, (image, entry, *_) in keys
        if entry
        for name in index.nodes_of(key)
    }


def override_lines(reader: SiteReader, tip: str, boots: Boots) -> list[OverrideLine]:
    """Return the next boots by image and entry, with who gave them."""
    return [_line(found) for found in overridden(reader, tip, boots)]


def _line(found: Overridden) -> OverrideLine:
    first = found.lines[-1] if found.lines else None
    return OverrideLine(
        image=found.image,
        entry=found.entry,
        nodes=fold(found.nodes),
        count=len(found.nodes),
        by=found.by,
        revision=f"r{first.number}" if first else None,
        since=utc(first.time) if first else None,
    )
