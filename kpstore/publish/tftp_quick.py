"""The quick look at a target: directory times and menus, whatever the node count."""

import os
from collections.abc import Iterator, Mapping

from kpstore.errors import CorruptState
from kpstore.publish.target import Finding
from kpstore.publish.tftp_folders import check_folder
from kpstore.publish.tftp_layout import LIVE, MENUS, OBJECTS, SHARDS, Layout
from kpstore.publish.tftp_state import Live, moving_to, read_live


def stamps(layout: Layout) -> dict[str, str]:
    """Return the text of `live` and the times at which folders last changed.

    A folder's ctime moves with each name that comes, goes or is replaced in it, and
    with its mode. Only what nodes are sent to is in here, so a sweep changes none.
    """
    live = read_live(layout)
    times = {LIVE: live.name if live else ""}
    return times | {path: _changed_at(layout, path) for path in _folders(layout, live)}


def quick(layout: Layout, since: Mapping[str, str]) -> list[Finding]:
    """Compare with earlier stamps, and the live menus' bytes with their digests."""
    try:
        live = read_live(layout)
        now = stamps(layout)
    except CorruptState as error:
        return [Finding(LIVE, "changed", error.message)]
    return [*_compare(now, since), *_menus(layout, live)]


def _compare(now: Mapping[str, str], since: Mapping[str, str]) -> Iterator[Finding]:
    for path in sorted(now.keys() | since.keys()):
        if now.get(path) == since.get(path):
            continue
        gone = now.get(path, "") == ""
        yield Finding(path, "missing" if gone else "changed", "since the last publish")


def _menus(layout: Layout, live: Live | None) -> Iterator[Finding]:
    if live is None:
        return
    if moving_to(layout):
        yield Finding(LIVE, "unfinished")
    for digest in sorted({menu.digest for menu in live.state.menus.values()}):
        yield from check_folder(layout, f"{MENUS}/{digest}", None)


def _folders(layout: Layout, live: Live | None) -> Iterator[str]:
    yield from (names.folder for names in layout.entries)
    if live is None:
        return
    yield f"{LIVE}/."
    state = live.state
    yield from (f"{MENUS}/{menu.digest}" for menu in state.menus.values())
    yield from (f"{OBJECTS}/{sha256}" for sha256 in state.needs())
    yield from (f"{SHARDS}/{shard.digest}" for shard in state.shards.values())


def _changed_at(layout: Layout, path: str) -> str:
    try:
        return str(os.lstat(f"{layout.base}/{path}").st_ctime_ns)
    except (FileNotFoundError, NotADirectoryError):
        return ""
