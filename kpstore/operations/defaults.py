"""Which payloads were an image's default, and when last.

Taken from history, and remembered beside the index: what is new since is all that is
read, of that only where an image or a rule changed. Never a source of truth: without an
index all of history is walked.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Final, NamedTuple

from kpstore.errors import CorruptState, KpError
from kpstore.history import walk
from kpstore.history.index.database import Index
from kpstore.history.revisions import Revision
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import default_boot
from kpstore.site.reader import SiteReader

_NOTE: Final = "defaults"
_MOST: Final = 64  # payloads of one image that are remembered, the newest

Defaults = dict[str, dict[str, int]]
"""Image -> payload -> the newest revision in which it was the image's default."""


class _Known(NamedTuple):
    head: str
    defaults: Defaults


def defaults_of(site: SiteReader, main: Snapshot) -> Defaults:
    """Return the payloads that were defaults in main's history, of every image."""
    assert main.commit
    known = _remembered(site)
    fresh, reached = _walked(site, main.commit, known)
    if not reached:
        return fresh
    return {
        image: _newest({**known.defaults.get(image, {}), **fresh.get(image, {})})
        for image in known.defaults.keys() | fresh.keys()
    }


def remember(site: SiteReader, main: Snapshot, defaults: Defaults) -> None:
    """Keep them for the next time, where there is an index to keep them by."""
    known = {"head": main.commit, "defaults": defaults}
    text = json.dumps(known, sort_keys=True, separators=(",", ":"))
    if site.noted(_NOTE) != text:
        site.note({_NOTE: text})


def _remembered(site: SiteReader) -> _Known:
    with suppress(ValueError, KeyError, TypeError):
        if text := site.noted(_NOTE):
            found = json.loads(text)
            return _Known(str(found["head"]), found["defaults"])
    return _Known("", {})


_Content = tuple[str | None, str, str]
"""What decides an image's default: the site's rules, the image and its subtree."""


def _walked(site: SiteReader, tip: str, known: _Known) -> tuple[Defaults, bool]:
    """Read main's commits down to the known one; tell whether that was met."""
    found: Defaults = {}
    seen: set[tuple[str | None, ...]] = set()
    before = _before(site, known)
    reached = False
    for line in _lines(site, tip, known.head):
        if line.commit == known.head:
            reached = True
            break
        snapshot = Snapshot(site.repository, line.commit)
        rules, home = snapshot.subtree("site.json"), snapshot.subtree("images")
        if home is None or (rules, home) in seen:
            continue
        seen.add((rules, home))
        for image, entry in site.repository.tree(home).items():
            content = (rules, image, entry.id)
            if content in seen:
                continue
            seen.add(content)
            payload = before.get(content)
            if payload is None:
                payload = _default(snapshot, image)
            if payload:
                found.setdefault(image, {}).setdefault(payload, line.number)
    return {image: _newest(had) for image, had in found.items()}, reached


def _before(site: SiteReader, known: _Known) -> dict[_Content, str]:
    """Return what each image of the known commit had as default.

    It has that commit's number: whoever remembered it had looked at all of it. What
    had none, or couldn't be read then, is read again.
    """
    if not known.head:
        return {}
    with suppress(KpError):  # a history that was restored may lack it
        snapshot = Snapshot(site.repository, known.head)
        number = site.record(known.head).revision
        rules, home = snapshot.subtree("site.json"), snapshot.subtree("images")
        images = site.repository.tree(home) if home else {}
        return {
            (rules, image, entry.id): payload
            for image, entry in images.items()
            for payload, newest in known.defaults.get(image, {}).items()
            if newest == number
        }
    return {}


def _lines(site: SiteReader, tip: str, stop: str) -> Iterator[Revision]:
    """Yield main's revisions down to `stop`, newest first.

    Without those that are in all that is asked for as the one after them.
    """

    def ask(index: Index) -> list[Revision]:
        last = [line for line in index.of_commit(stop) if line.commit == stop]
        after = last[0].number if last else 0
        return [*index.before_changes(("image", "site"), after), *last]

    known = site.from_index(tip, ask)
    if known is None:
        yield from map(walk.revision, walk.chain(site.repository, tip))
    else:
        yield from known


def _default(snapshot: Snapshot, image: str) -> str:
    try:
        boot = default_boot(snapshot, image)
    except CorruptState:  # there is no way back to it
        return ""
    return boot.payload.id if boot else ""


def _newest(had: dict[str, int]) -> dict[str, int]:
    newest = sorted(had.items(), key=lambda pair: pair[1], reverse=True)
    return dict(newest[:_MOST])
