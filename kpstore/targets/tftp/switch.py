"""The switch: one rename of `live`, and the entry points before and after it.

Before each step, all that it relies on is durable: the old generation's transition
links, then the entry points that use them, then `live`, then the entry points' plain
form, and last the mark that entry points are under way. A generation keeps its
transition links while it exists: a look-up may be on its way through them.
"""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from kpstore.disk.durable import (
    Batch,
    make_directories,
    remove,
    remove_tree,
    sweep_temporaries,
    sync_directory,
)
from kpstore.disk.links import make_links
from kpstore.targets.tftp.format import ground
from kpstore.targets.tftp.format.aside import clear_folder, put_link
from kpstore.targets.tftp.format.defaults import Defaults
from kpstore.targets.tftp.format.entries import EntryLink, EntryWork
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    KP,
    LIVE,
    MOVING,
    TRANSITIONS,
    Layout,
)
from kpstore.targets.tftp.format.links import is_folder, kind_of, link_text, names_in
from kpstore.targets.tftp.plan import Planned


class StagedGeneration:
    """A generation that is complete and durable beside the live one, unseen."""

    displaced: Mapping[str, bytes] = MappingProxyType({})
    said: str = ""
    originals: Mapping[str, bytes] = MappingProxyType({})

    def __init__(
        self,
        layout: Layout,
        prepared: Planned,
        made: list[Path],
        defaults: Defaults,
    ) -> None:
        self._layout = layout
        self._defaults = defaults
        self._prepared = prepared
        self._made = made

    def switch(self) -> int:
        """Make it live; return how many files were written. Idempotent.

        Raises OSError, and Refused where a folder became a link meanwhile; whatever
        happens, the target serves the old or the new.
        """
        ground.check(self._layout)
        prepared, layout = self._prepared, self._layout
        text = f"generations/{prepared.name}"
        switched = link_text(layout.path(LIVE)) == text
        if prepared.state is None or not switched:
            if prepared.state and prepared.old and prepared.entries:
                self._announce(prepared.old.name)
            before_switch(layout, prepared.entries)
        if not switched:
            if prepared.new_defaults:
                self._defaults.ensure()
            put_link(layout, LIVE, text)
            sync_directory(layout.path(KP))
        after_switch(layout, prepared.entries)
        return len(prepared.plan().write)

    def discard(self) -> None:
        """Sweep what was staged: the commit did not happen."""
        live = link_text(self._layout.path(LIVE)) or ""
        if live.endswith(f"/{self._prepared.name}"):
            return
        for path in reversed(self._made):
            remove_tree(path)

    def _announce(self, old: str) -> None:
        """Prepare the old generation for entry points that move."""
        home = self._layout.generation(old)
        _clear_announced(self._layout, f"{GENERATIONS}/{old}")
        _sweep_announced(home)
        with Batch() as batch:
            batch.link(home / MOVING, self._prepared.name)
            for path, text in self._prepared.entries.old_side.items():
                batch.link(home / TRANSITIONS / path, text)
            batch.commit()


def _clear_announced(layout: Layout, home: str) -> None:
    """Remove what others put in the place of the links to be."""
    clear_folder(layout, f"{home}/{MOVING}")
    if kind_of(layout.path(home, TRANSITIONS)) not in (0, stat.S_IFDIR):
        remove(layout.path(home, TRANSITIONS))


def _sweep_announced(home: Path) -> None:
    """Remove what a killed switch left in the old generation; it is kept for long."""
    sweep_temporaries(home)
    for key in ("", *names_in(home / TRANSITIONS)):
        if is_folder(home / TRANSITIONS / key):
            sweep_temporaries(home / TRANSITIONS / key)


def before_switch(layout: Layout, work: EntryWork) -> None:
    """Make new entry points, and turn moving ones to their transition."""
    for folder, links in work.create.items():
        make_directories(layout.path(folder))
        make_links(layout.path(folder), links)
    _change(layout, work.before, work.create)


def after_switch(layout: Layout, work: EntryWork) -> None:
    """Give entry points their plain form, remove dropped ones, and say so."""
    _change(layout, work.after)
    remove(layout.path(LIVE, MOVING))


def _change(
    layout: Layout, links: Iterable[EntryLink], touched: Iterable[str] = ()
) -> None:
    folders = dict.fromkeys(touched)
    for folder, name, text in links:
        folders[folder] = None
        if text:
            put_link(layout, f"{folder}/{name}", text)
        else:
            remove(layout.path(folder, name))
    for folder in folders:
        sync_directory(layout.path(folder))
