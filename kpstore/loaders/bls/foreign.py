"""Reading what systemd-boot is told: loader.conf, and the entries beside it.

Entries without a loader.conf are GRUB's to order (`kpstore.loaders.grub.foreign`).
"""

import fnmatch
from collections.abc import Iterator, Sequence

from kpstore.loaders.boot_entries import FOLDERS, fields, first, read_entries
from kpstore.loaders.listing import Listed, Listing
from kpstore.loaders.tree import Tree


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what each loader.conf boots, of the entries in its folder."""
    for folder in FOLDERS:
        source = f"{folder}/loader.conf"
        text = tree.text(source)
        if text is not None:
            yield _listing(source, text, read_entries(tree, {}, [folder]))


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
