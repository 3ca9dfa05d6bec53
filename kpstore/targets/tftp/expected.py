"""What a target must hold for a complete generation, byte by byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kpstore.targets.tftp.compare import Folder
from kpstore.targets.tftp.format import shelves
from kpstore.targets.tftp.format.content import digest_of, digests, menu_of, sums
from kpstore.targets.tftp.format.damage import trusted
from kpstore.targets.tftp.format.layout import (
    CONTENTS,
    MENUS,
    SHARDS,
    SHELVES,
    SUMS,
    Layout,
    shard_of,
)
from kpstore.targets.tftp.format.part import Part
from kpstore.targets.tftp.format.state import GenerationState
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.plan import folders
from kpstore.targets.tftp.survey import own_files, rendered_menus
from kpstore.targets.values import Marker


@dataclass(frozen=True)
class Wanted:
    """The state that STATE must say, and its folders below the root.

    A folder whose bytes only its digest tells (kept and retired menus) has None.
    Shards are worked out for a deep look only.
    """

    state: GenerationState
    menus: Mapping[str, Folder | None]
    shards: Mapping[str, Folder]

    def files(self) -> dict[str, bytes]:
        """Return all files whose bytes are known, by path."""
        known = {**self.menus, **self.shards}
        on_shelves = {
            f"{SHELVES}/{shelf.name}/{CONTENTS}": shelves.encode(shelf)
            for shelf in self.state.shelves.values()
        }
        return on_shelves | {
            f"{path}/{name}": data
            for path, folder in known.items()
            for name, data in (folder or {}).items()
        }

    def links(self) -> dict[str, str]:
        """Return the texts of all links on shelves, by path."""
        return {
            f"{SHELVES}/{shelf.name}/{name}": text
            for shelf in self.state.shelves.values()
            for name, text in shelves.links(shelf).items()
        }


def wanted(
    layout: Layout,
    generation: Generation,
    policy: Mapping[str, bytes],
    *,
    deep: bool,
) -> Wanted:
    """Work out what must be there.

    What only the live generation knows (kept and retired menus, and when it was
    staged) is taken from it; so are the shards, unless `deep`.
    """
    live = _live_state(layout)
    rendered = rendered_menus(layout, generation, policy)
    menus = {name: menu_of(files) for name, files in rendered.items()}
    folders_of_menus: dict[str, Folder | None] = {}
    for name, menu in _carried(generation, live, menus):
        menus[name] = menu
        folders_of_menus[f"{MENUS}/{menu.digest}"] = None
    for name, files in rendered.items():
        folders_of_menus[f"{MENUS}/{menus[name].digest}"] = files
    shards = list(_shards(layout, generation)) if deep else None
    state = replace(
        live,
        marker=generation.marker,
        menus=menus,
        retired={n: t for n, t in live.retired.items() if n not in rendered},
        shards=live.shards if shards is None else {s[0]: Part(s[1]) for s in shards},
        folders=folders(layout),
        flat=generation.drawn_before and live.flat,
    )
    own = {f"{SHARDS}/{digest}": files for _, digest, files in shards or ()}
    return Wanted(state, folders_of_menus, own)


def _live_state(layout: Layout) -> GenerationState:
    live = trusted(layout)
    return (
        live.state if live else GenerationState(Marker("", "", 0), 0.0, "", {}, {}, {})
    )


def _carried(
    generation: Generation, live: GenerationState, rendered: Mapping[str, Part]
) -> list[tuple[str, Part]]:
    names = (generation.kept | live.retired.keys()) - rendered.keys()
    return [(name, live.menus[name]) for name in names if name in live.menus]


def _shards(
    layout: Layout, generation: Generation
) -> Iterator[tuple[str, str, Folder]]:
    """Return each shard that must be: name, digest, and files with their sums."""
    by_shard: dict[str, dict[str, bytes]] = {}
    for mac, form in generation.nodes.items():
        if form is not None and form.files:
            files = own_files(layout, {mac: form})
            by_shard.setdefault(shard_of(mac), {}).update(files)
    for xx, files in by_shard.items():
        if files:
            listed = digests(files)
            files[SUMS] = sums(listed)
            yield xx, digest_of(listed), files
