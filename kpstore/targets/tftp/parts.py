"""Parts of a TFTP target held against what they should be, by themselves.

What every look shares, the quick one and the deep one: nothing is rendered here.
"""

import stat
from collections.abc import (
    Collection,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Set,
)
from hashlib import sha256
from typing import Final

from kpstore.disk.durable import TEMP_PREFIX
from kpstore.targets.tftp.compare import FILE_MODE, extra, of_seen
from kpstore.targets.tftp.format import ground, retired
from kpstore.targets.tftp.format import shelves as on_shelves
from kpstore.targets.tftp.format.content import digest_of, parse_sums
from kpstore.targets.tftp.format.layout import (
    CONTENTS,
    GENERATIONS,
    IDENTITY,
    KP,
    LIVE,
    MENUS,
    MOVING,
    OBJECTS,
    RESERVE,
    RETIRED,
    SHARDS,
    SHELVES,
    STATE,
    SUMS,
    TRANSITIONS,
    Layout,
    generation_of,
    is_digest,
)
from kpstore.targets.tftp.format.links import (
    FOLDER_MODE,
    files_in,
    is_folder,
    kind_of,
    link_text,
    names_in,
    sha256_of,
)
from kpstore.targets.tftp.format.needs import paths_in
from kpstore.targets.tftp.format.state import GenerationState, LiveGeneration
from kpstore.targets.values import Finding

OBJECT_MODE: Final = 0o444
HOMES: Final = (KP, GENERATIONS, SHELVES, MENUS, SHARDS, OBJECTS, RETIRED)


def live_links(
    layout: Layout, live: LiveGeneration, links: Mapping[str, str]
) -> Iterator[Finding]:
    """Compare the links of the live generation, and name what else is there."""
    home = f"{GENERATIONS}/{live.name}"
    present = names_in(layout.path(home))
    for name, text in links.items():
        if name not in present:
            yield Finding(f"{LIVE}/{name}", "missing")
        elif link_text(layout.path(home, name)) != text:
            yield Finding(f"{LIVE}/{name}", "changed")
    for name in foreign(present, {STATE, MOVING, TRANSITIONS, *links}):
        yield extra(f"{LIVE}/{name}")
    if moving := link_text(layout.path(home, MOVING)):
        yield Finding(LIVE, "unfinished", f"entry points are moving to {moving}")
    elif moving is not None:
        yield Finding(f"{LIVE}/{MOVING}", "changed", "not a link")
    if kind_of(layout.path(home, TRANSITIONS)) not in (0, stat.S_IFDIR):
        yield Finding(f"{LIVE}/{TRANSITIONS}", "changed", "not a folder")


def shelves(
    layout: Layout, state: GenerationState, only: Container[str] | None = None
) -> Iterator[Finding]:
    """Compare shelves with what a generation has there; `only`: those by their name."""
    for shelf in state.shelves.values():
        path = f"{SHELVES}/{shelf.name}"
        if only is not None and shelf.name not in only:
            continue
        if not is_folder(layout.path(path)):
            yield Finding(path, "changed" if kind_of(layout.path(path)) else "missing")
            continue
        there = names_in(layout.path(path))
        for wrong in on_shelves.amiss(layout, shelf):
            kind = "changed" if wrong in there else "missing"
            yield Finding(f"{path}/{wrong}", kind)
        yield from ground.of_name(layout, path, FOLDER_MODE)
        yield from ground.of_name(layout, f"{path}/{CONTENTS}", FILE_MODE)
        for other in foreign(there, {CONTENTS, *shelf}):
            yield extra(f"{path}/{other}")


def attributes(layout: Layout, live: LiveGeneration | None) -> Iterator[Finding]:
    """Report folders and files of fixed names that nodes couldn't read."""
    yield from ground.attributes(layout)
    yield from ground.of_name(layout, IDENTITY, FILE_MODE)
    if live is not None:
        home = f"{GENERATIONS}/{live.name}"
        yield from ground.of_name(layout, home, FOLDER_MODE)
        yield from ground.of_name(layout, f"{home}/{STATE}", FILE_MODE)


def objects(layout: Layout, digests: Iterable[str]) -> Iterator[Finding]:
    """Compare objects' files with their names, byte by byte."""
    for digest in digests:
        home = f"{OBJECTS}/{digest}"
        if not is_folder(layout.path(home)):
            yield Finding(home, "changed" if kind_of(layout.path(home)) else "missing")
            continue
        yield from ground.of_name(layout, home, FOLDER_MODE)
        for name in foreign(names_in(layout.path(home)), ()):
            if sha256_of(layout.path(home, name)) != digest:
                yield Finding(f"{home}/{name}", "changed")
            else:
                path = f"{home}/{name}"
                yield from ground.of_name(layout, path, OBJECT_MODE)


def lost(
    layout: Layout, state: GenerationState, digests: Set[str]
) -> Iterator[Finding]:
    """Report the files of objects that are gone from their folders, as bytes say."""
    needing = (
        layout.path(folder, part.digest)
        for folder, parts in ((MENUS, state.menus), (SHARDS, state.shards))
        for part in parts.values()
        if digests and digests & {*(part.objects or ())}
    )
    for path in sorted({path for part in needing for path in paths_in(part)}):
        home, _, _ = path.rpartition("/")
        here = is_folder(layout.path(home)) and home.rpartition("/")[2] in digests
        if here and not kind_of(layout.path(path)):
            yield Finding(path, "missing")


def shard(layout: Layout, digest: str) -> Iterator[Finding]:
    """Compare a shard's files with its sums, and those with its name."""
    path = f"{SHARDS}/{digest}"
    if not is_folder(layout.path(path)):
        yield Finding(path, "changed" if kind_of(layout.path(path)) else "missing")
        return
    yield from ground.of_name(layout, path, FOLDER_MODE)
    there, ours = dict(files_in(layout.path(path))), ground.owners(layout, path)
    listed = _listed(there[SUMS].data) if SUMS in there else {}
    if digest_of(listed) != digest:
        yield Finding(f"{path}/{SUMS}", "changed" if SUMS in there else "missing")
        return
    for name in listed.keys() - there.keys():
        yield Finding(f"{path}/{name}", "missing")
    for name, seen in there.items():
        if name in listed and sha256(seen.data).hexdigest() != listed[name]:
            yield Finding(f"{path}/{name}", "changed")
        elif name in listed or name == SUMS:
            yield from of_seen(layout, f"{path}/{name}", seen, ours)
        elif not name.startswith(TEMP_PREFIX):
            yield extra(f"{path}/{name}")


def _listed(sums: bytes) -> dict[str, str]:
    try:
        return parse_sums(sums)
    except UnicodeDecodeError:
        return {}


def extras(layout: Layout, folders: Collection[str] = HOMES) -> Iterator[Finding]:
    """Report what is right in those folders below `kp/` and has no name of kp's."""
    for folder in folders:
        if folder == RETIRED:
            yield from retired.findings(layout)
            continue
        for name in foreign(names_in(layout.path(folder)), ()):
            if not _is_name(folder, name):
                yield extra(f"{folder}/{name}")


def _is_name(folder: str, name: str) -> bool:
    if folder == KP:
        return f"{KP}/{name}" in {*HOMES, IDENTITY, LIVE, RESERVE}
    if folder == GENERATIONS:
        return generation_of(f"generations/{name}") is not None
    return is_digest(name)


def foreign(names: Collection[str], ours: Collection[str]) -> list[str]:
    """Return the names that aren't kp's; a temp may be a living process's."""
    others = (name for name in names if name not in ours)
    return sorted(name for name in others if not name.startswith(TEMP_PREFIX))
