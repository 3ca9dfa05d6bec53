"""Reading what systemd-boot is told: loader.conf, and the entries beside it.

Entries without a loader.conf are GRUB's to order (`kpstore.loaders.grub.foreign`).
"""

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from kpstore.loaders.boot_entries import (
    ENTRIES,
    FOLDERS,
    fields,
    first,
    read_entries,
)
from kpstore.loaders.listing import Listed, Listing

places: Final = (*(f"{folder}/loader.conf" for folder in FOLDERS), *ENTRIES)


def read(files: Mapping[str, str]) -> Iterator[Listing]:
    """Yield what each loader.conf boots, of the entries in its folder."""
    for folder in FOLDERS:
        source = f"{folder}/loader.conf"
        if source in files:
            yield _listing(source, files[source], read_entries(files, {}, [folder]))


def _listing(source: str, text: str, entries: Sequence[Listed]) -> Listing:
    pattern = first(fields(text), "default")
    chosen = _chosen(entries, pattern or "*")
    unread = f"{source}: its default, {pattern}"
    return Listing(
        source, tuple(entries), chosen, (unread,) if pattern and not chosen else ()
    )


def _chosen(entries: Sequence[Listed], pattern: str) -> Listed | None:
    """Return the first entry that a pattern means; @saved is the firmware's to say."""
    matches = (
        each
        for each in entries
        if fnmatch.fnmatchcase(f"{each.ident}.conf", pattern)
        or fnmatch.fnmatchcase(each.ident, pattern)
    )
    return None if pattern.startswith("@") else next(matches, None)
