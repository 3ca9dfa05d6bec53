"""Entry points: what each node's is, what it must become, and how it gets there.

A node's entry points change in the very instant of the switch, with all others. A
link's text can't, so an entry point that would lead to a menu on the wrong side of
the switch goes there by a transition link `+/KEY`, which leads to the old form in
the old generation and to the new one in the new; one that is not there in the old
generation, or in the new, dangles on that side.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kpstore.errors import Refused
from kpstore.targets.tftp.format.forms import form_for
from kpstore.targets.tftp.format.layout import (
    LIVE,
    NOTHING,
    OWN,
    TRANSITIONS,
    EntryNames,
    Layout,
    own_file,
    shard_of,
    template_at,
    transition_key,
)
from kpstore.targets.tftp.format.links import link_text, names_in
from kpstore.targets.tftp.format.state import GenerationState, LiveGeneration
from kpstore.targets.tftp.generation import NodeForm

Forms = Mapping[str, NodeForm | None]  # by MAC; None: a node that goes


class EntryLink(NamedTuple):
    """An entry point by folder and name, and the text that it gets; '' removes it."""

    folder: str
    name: str
    text: str = ""


@dataclass
class EntryWork:
    """What a switch does to entry points, in order.

    `create`: folder -> (name, text) of new ones, and `before`: changed texts; then
    `live` is switched; then `after`. `old_side` and `new_side` are the transition
    links of the two generations: path below `+` -> text. `taken` are the paths where
    others' files give way.
    """

    create: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    before: list[EntryLink] = field(default_factory=list)
    after: list[EntryLink] = field(default_factory=list)
    old_side: dict[str, str] = field(default_factory=dict)
    new_side: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.before or self.after or any(self.create.values()))

    def written(self) -> Iterator[str]:
        """Name the entry points that are made or changed, each once."""
        for folder, links in self.create.items():
            yield from (f"{folder}/{name}" for name, _ in links)
        created = {(folder, n) for folder, ns in self.create.items() for n, _ in ns}
        changed = {(e.folder, e.name): e.text for e in (*self.before, *self.after)}
        for (folder, name), text in changed.items():
            if text and (folder, name) not in created:
                yield f"{folder}/{name}"

    def removed(self) -> Iterator[str]:
        """Name the entry points that go."""
        yield from (f"{e.folder}/{e.name}" for e in self.after if not e.text)


def straighten(
    layout: Layout, live: LiveGeneration, nodes: Forms, *, complete: bool
) -> EntryWork:
    """Bring entry points to their plain form, without a switch.

    A foreign file stays: `verify` reports it.
    """
    work = EntryWork()
    flat = live.state.flat
    for each in _differing(layout, live, nodes, complete=complete, flat=flat):
        if each.foreign:
            continue
        plain = each.names.text(each.mac, each.form) if each.form else ""
        if each.text is None:
            work.create.setdefault(each.names.folder, []).append((each.name, plain))
        else:
            work.after.append(EntryLink(each.names.folder, each.name, plain))
    return work


def moves(
    layout: Layout,
    old: LiveGeneration | None,
    new: str,
    state: GenerationState,
    nodes: Forms,
    *,
    complete: bool,
    take: bool = False,
) -> EntryWork:
    """Work out how entry points follow the switch to generation `new`, of a state.

    A foreign file in a node's way gives way if the caller may `take` it; else Refused,
    naming it.
    """
    mover = _Mover(layout, old, new, state)
    for each in _differing(layout, old, nodes, complete=complete, flat=state.flat):
        if each.foreign and take:
            mover.work.taken.append(f"{each.names.folder}/{each.name}")
        elif each.foreign:
            raise Refused(
                f"{layout.path(each.names.folder, each.name)} is not kp's, and node "
                f"{each.mac} would boot by it",
                hint="move it away; kp publish sets it aside and takes its place",
            )
        mover.add(each)
    return mover.work


class _Entry(NamedTuple):
    """An entry point whose text (None: absent) is not what it must become."""

    names: EntryNames
    name: str
    mac: str
    form: str
    text: str | None
    foreign: bool = False


def _differing(
    layout: Layout,
    live: LiveGeneration | None,
    nodes: Forms,
    *,
    complete: bool,
    flat: bool,
) -> Iterator[_Entry]:
    for names in layout.entries:
        present = names_in(layout.path(names.folder)) if complete else None
        forms = {mac: form_for(n, names.loader, flat=flat) for mac, n in nodes.items()}
        yield from _of_nodes(layout, names, forms, present)
        if present:
            yield from _leftovers(layout, names, present - {*map(names.name, nodes)})
    if complete and live is not None:
        for names in _former(layout, live.state.folders):
            yield from _leftovers(layout, names, names_in(layout.path(names.folder)))


def _of_nodes(
    layout: Layout,
    names: EntryNames,
    forms: Mapping[str, str],
    present: Collection[str] | None,
) -> Iterator[_Entry]:
    folder = f"{layout.path(names.folder)}/"
    for mac, form in forms.items():
        name = names.name(mac)
        text = None
        if present is None or name in present:
            text = link_text(f"{folder}{name}")
        if text is None:
            if form:
                yield _Entry(names, name, mac, form, None)
        elif form and text == names.text(mac, form):
            continue
        elif names.parse(mac, text) is not None:
            yield _Entry(names, name, mac, form, text)
        elif form:
            yield _Entry(names, name, mac, form, text, foreign=True)


def _leftovers(
    layout: Layout, names: EntryNames, present: Iterable[str]
) -> Iterator[_Entry]:
    for name in present:
        mac = names.mac(name)
        if mac is None:
            continue
        text = link_text(layout.path(names.folder, name))
        if text is not None and names.parse(mac, text) is not None:
            yield _Entry(names, name, mac, NOTHING, text)


def _former(layout: Layout, folders: Mapping[str, str]) -> Iterator[EntryNames]:
    """Return the names of loaders that the target had, or had elsewhere."""
    current = {(names.loader, names.folder) for names in layout.entries}
    return (layout.names(*each) for each in folders.items() if each not in current)


class _Mover:
    """Finds for each entry point its way over one switch."""

    def __init__(
        self,
        layout: Layout,
        old: LiveGeneration | None,
        new: str,
        state: GenerationState,
    ) -> None:
        self.work = EntryWork()
        self._old = old
        self._live = layout.path(LIVE)
        self._new = new
        self._state = state

    def add(self, entry: _Entry) -> None:
        names, name, mac, form, text, _ = entry
        old = self._leads_to(names, mac, text) if text is not None else NOTHING
        before = self._before(names, mac, old, form) if old or form else text or ""
        if text is not None and self._stays(names, mac, text, form):
            before = text
        after = names.text(mac, form) if form else ""
        if text is None:
            self.work.create.setdefault(names.folder, []).append((name, before))
        elif before != text:
            self.work.before.append(EntryLink(names.folder, name, before))
        if after != before:
            self.work.after.append(EntryLink(names.folder, name, after))

    def _stays(self, names: EntryNames, mac: str, text: str, form: str) -> bool:
        """Tell whether a text of before leads to the same template after the switch."""
        place = names.parse(mac, text) or NOTHING
        same = template_at(place) == template_at(form) != ""
        return same and self._linked_after(place)

    def _before(self, names: EntryNames, mac: str, old: str, new: str) -> str:
        """Return the text that leads to `old` until the switch, then to `new`."""
        if old == new or (not new and not self._linked_after(old)):
            return names.text(mac, old)
        if not old and not self._linked_before(new):
            return names.text(mac, new)
        if OWN in (old, new):
            return self._transition_of_own(names, mac, old, new)
        key = transition_key(self._new, old, new)
        self._put(key, old and f"../{old}", new and f"../{new}")
        return names.moving(key)

    def _linked_before(self, form: str) -> bool:
        """Tell whether the old generation has something at a form's plain text.

        A node's own file is there only if its entry point led to it.
        """
        return self._old is not None and self._old.state.has(form)

    def _linked_after(self, form: str) -> bool:
        return self._state.has(form)

    def _transition_of_own(
        self, names: EntryNames, mac: str, old: str, new: str
    ) -> str:
        key = transition_key(self._new)
        self._put(
            f"{key}/{own_file(mac, names.loader)}",
            old and f"../../{_menu_of(mac, names.loader, old)}",
            new and f"../../{_menu_of(mac, names.loader, new)}",
        )
        return names.moving(key, mac)

    def _put(self, path: str, old: str, new: str) -> None:
        if old:
            self.work.old_side[path] = old
        if new:
            self.work.new_side[path] = new

    def _leads_to(self, names: EntryNames, mac: str, text: str) -> str:
        """Return the form that an entry point has in the live generation."""
        form = names.parse(mac, text) or NOTHING
        if form.startswith(TRANSITIONS):
            form = self._through(names.loader, mac, form)
        if self._old is None or form == NOTHING:
            return NOTHING
        if form == OWN:
            there = (self._live / _menu_of(mac, names.loader, OWN)).exists()
            return OWN if there else NOTHING
        return form if self._old.state.has(form) else NOTHING

    def _through(self, loader: str, mac: str, transition: str) -> str:
        """Return where a transition link of an interrupted switch leads."""
        text = link_text(f"{self._live}/{transition}") or ""
        target = text.removeprefix("../").removeprefix("../")
        if target == _menu_of(mac, loader, OWN):
            return OWN
        return target.removesuffix(f"/{loader}")


def _menu_of(mac: str, loader: str, form: str) -> str:
    if form == OWN:
        return f"~{shard_of(mac)}/{own_file(mac, loader)}"
    return f"{form}/{loader}"
