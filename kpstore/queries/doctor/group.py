"""What the group of a shared site may write: given back where that was lost."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import Final, NamedTuple

from kpstore.disk import sharing
from kpstore.disk.durable import TEMP_PREFIX
from kpstore.model.state import State
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.site.opened import OpenSite

_PRIVATE: Final = ("keys", "found", "reserve")  # need not be read by all


class _Place(NamedTuple):
    """A folder that the group has to write: all in it, or itself alone."""

    folder: Path
    whole: bool


def group(visit: Visit) -> Iterator[Advice]:
    """Look at all that the group writes; give it what is the caller's to give."""
    site, name = visit.site, visit.site.settings.shared
    if not name:
        return
    if site.group is None:
        text = f"kp.toml: there is no group {name} on this server: only root writes"
        yield Advice("group", "bad", text, f"groupadd {name}, or name another there")
        return
    yield from _looked_at(site, "the site", [_Place(site.root, whole=True)])
    for target in site.every_target(State(site.main())):
        root, about = site.settings.path_of(target.spec), f"target {target.name}"
        if root is None or target.publisher is None or not root.is_dir():
            continue
        if sharing.group_of(root) is None:
            text = f"{root} is not of group {name}: only its owner publishes there"
            mend = f"as root: chgrp {name} {quote(str(root))}; {_doctor(site)}"
            yield Advice("group", "note", f"{about}: {text}", mend)
            continue
        if closed := next(sharing.lost(root, whole=False), None):
            text = f"{about}: {root}, which is not kp's: {closed.why}"
            mend = f"as its owner: chmod g+rwxs,-t {quote(str(root))}"
            yield Advice("group", "bad", text, mend)
        folders = (_Place(*each) for each in target.publisher.folders)
        yield from _looked_at(site, about, folders)


def _looked_at(
    site: OpenSite, about: str, places: Iterable[_Place]
) -> Iterator[Advice]:
    mending = sharing.may_write(site.root)
    found = [
        each
        for place in places
        for each in sharing.lost(
            place.folder, private=_PRIVATE, whole=place.whole, mending=mending
        )
        if not any(part.startswith(TEMP_PREFIX) for part in each.path.parts)
    ]
    left = [each for each in found if not each.mended]
    if mended := [each for each in found if each.mended]:
        text = f"{_said(mended)}: given back to the group"
        yield Advice("group", "note", f"{about}: {text}")
    if left:
        yield Advice("group", "bad", f"{about}: {_said(left)}", _doctor(site))
    if not found:
        name = sharing.name_of(site.group or 0)
        yield Advice("group", "ok", f"{about} is written by group {name}")


def _said(found: list[sharing.Lost]) -> str:
    first, more = found[0], len(found) - 1
    return f"{first.path}: {first.why}" + (f", and {more} more" if more else "")


def _doctor(site: OpenSite) -> str:
    return f"as root: kp --site {quote(str(site.root))} doctor"
