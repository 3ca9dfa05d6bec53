"""What an edit does to the nodes: who moves to which template, who is touched.

Costs follow the change: only nodes whose document changed or whose groups moved are
looked at one by one; everything else is counted by template.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from kpstore.errors import NotFound
from kpstore.model.boot import Boot, resolve
from kpstore.model.census import Census
from kpstore.model.documents import Group, Node, Site, Target
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, template_of
from kpstore.model.vocabulary import Loader


@dataclass(frozen=True)
class Move:
    """One node before and after; None where it does not exist."""

    old: Node | None
    new: Node | None
    old_template: Template | None
    new_template: Template | None


@dataclass(frozen=True)
class Dropped:
    """A target that writes for some loaders no more.

    `image`: whose disks it is for; None: it is for every node that boots from a server.
    `alone`: nothing else that was written before is there for its nodes now.
    """

    target: str
    loaders: tuple[Loader, ...]
    image: str | None
    alone: bool

    def concerns(self, image: str, boot: Boot | None) -> bool:
        """Tell whether nodes that boot this of an image were served by it."""
        if self.image is None:
            return bool(image)
        return self.image == image and boot is not None and boot.method != "network"


class Moves:
    """The difference that `new` makes to the nodes of `old`, whose census is given."""

    def __init__(self, old: State, new: State, census: Census) -> None:
        self.old = old
        self.new = new
        self.census = census
        self._boots: dict[tuple[bool, Template], Boot | None] = {}

    @cached_property
    def nodes(self) -> dict[str, Move]:
        """Return the nodes whose document or template differs, by name."""
        names = {key.name for key in self.new.changes if key.kind == "node"}
        names |= self._regrouped
        found = {name: self._move(name) for name in sorted(names)}
        return {
            name: move
            for name, move in found.items()
            if move.old != move.new or move.old_template != move.new_template
        }

    @cached_property
    def _groups_changed(self) -> bool:
        return any(key.kind == "group" for key in self.new.changes)

    @cached_property
    def _membership(self) -> Membership:
        return Membership(self.new.groups())

    @cached_property
    def _regrouped(self) -> set[str]:
        if not self._groups_changed:
            return set()
        moved = Membership(self.old.groups()).moved(self._membership)
        return {name for name in moved if self.new.get(Key("node", name)) is not None}

    @cached_property
    def is_remerged(self) -> bool:
        """Tell whether parameters merge by another rule than before."""
        sites = self.old.get(Key("site")), self.new.get(Key("site"))
        rules = [site.rules if isinstance(site, Site) else None for site in sites]
        return rules[0] != rules[1]

    def _move(self, name: str) -> Move:
        old, new = (
            document if isinstance(document, Node) else None
            for document in (s.get(Key("node", name)) for s in (self.old, self.new))
        )
        before = self.census.template_of(name) if old else None
        return Move(old, new, before, self._template(new, before) if new else None)

    def _template(self, node: Node, before: Template | None) -> Template:
        known = before is not None and before.image and not self._groups_changed
        groups = before.groups if before and known else self._membership.of(node.name)
        return template_of(node, groups)

    @cached_property
    def templates(self) -> Mapping[Template, int]:
        """Return the templates in use after the edit, and their nodes' count."""
        counts = Counter(self.census.templates())
        for move in self.nodes.values():
            if move.old_template:
                counts[move.old_template] -= 1
            if move.new_template:
                counts[move.new_template] += 1
        return {template: count for template, count in counts.items() if count > 0}

    def old_boot(self, template: Template) -> Boot | None:
        """Return what the template meant before; None: the policy, or nothing."""
        return self._boot(False, template)

    def new_boot(self, template: Template) -> Boot | None:
        """Return what the template means now; None where it dangles, too."""
        return self._boot(True, template)

    def _boot(self, new: bool, template: Template) -> Boot | None:
        if (new, template) not in self._boots:
            state = self.new if new else self.old
            try:
                self._boots[new, template] = resolve(state, template)
            except NotFound:
                self._boots[new, template] = None
        return self._boots[new, template]

    @cached_property
    def changed_templates(self) -> list[Template]:
        """Return the templates in use before and after whose boot differs."""
        before = self.census.templates()
        return [
            template
            for template in self.touched_templates
            if template in before
            and not same_boot(self.old_boot(template), self.new_boot(template))
        ]

    @cached_property
    def touched_templates(self) -> list[Template]:
        """Return the templates in use that are new, or that the edit may shape."""
        before = self.census.templates()
        if self._reshapes_all:
            return list(self.templates)
        images = self._images
        return [t for t in self.templates if t.image in images or t not in before]

    def concerns(self, template: Template) -> bool:
        """Tell whether the edit touched what may shape the template's boot."""
        return self._reshapes_all or template.image in self._images

    @cached_property
    def _reshapes_all(self) -> bool:
        return any(key.kind in ("group", "site") for key in self.new.changes)

    @cached_property
    def _images(self) -> set[str]:
        """The images whose content changed."""
        return {image_of(key) for key in self.new.changes}

    @cached_property
    def touched_nodes(self) -> list[str]:
        """Return the moved nodes whose own boot differs, sorted by name."""
        return [name for name, move in self.nodes.items() if self._touched(move)]

    def _touched(self, move: Move) -> bool:
        if move.old is None or move.new is None or move.old.macs != move.new.macs:
            return True
        if move.old_template is None or move.new_template is None:
            return True
        if move.new_template in self._unreached:
            return True
        before = self.old_boot(move.old_template)
        after = self.new_boot(move.new_template)
        if before is None or after is None:
            return before is not after
        return not same_boot(before, after) or before.values(move.old) != after.values(
            move.new
        )

    @cached_property
    def count(self) -> int:
        """Return how many nodes' resolved boot differs."""
        differing = {*self.changed_templates, *self._unreached}
        stayed = Counter({t: self.templates[t] for t in differing})
        for move in self.nodes.values():
            if move.new_template and move.new_template in stayed:
                stayed[move.new_template] -= 1
        return len(self.touched_nodes) + stayed.total()

    def names(self) -> list[str]:
        """Return the nodes whose resolved boot differs; reads those of templates."""
        found = set(self.touched_nodes)
        for template in {*self.changed_templates, *self._unreached}:
            members = self.census.nodes_of(template)
            found.update(name for name in members if name not in self.nodes)
        return sorted(found)

    @cached_property
    def dropped(self) -> list[Dropped]:
        """Return the targets that write for fewer loaders than before."""
        return list(dropped(self.old, self.new))

    @cached_property
    def _unreached(self) -> set[Template]:
        return {t for lost in self.dropped for t in self.served_by(lost)}

    def served_by(self, lost: Dropped) -> list[Template]:
        """Return the templates in use before and after that such a target served."""
        before = self.census.templates() if self.dropped else {}
        return [
            template
            for template in self.templates
            if template in before
            and lost.concerns(template.image, self.new_boot(template))
        ]

    def members(self, template: Template) -> list[Node]:
        """Return the nodes that boot by a template after the edit."""
        stayed = [n for n in self.census.nodes_of(template) if n not in self.nodes]
        came = [m.new for m in self.nodes.values() if m.new_template == template]
        return [self.new.node(name) for name in stayed] + [n for n in came if n]


def image_of(key: Key) -> str:
    """Return the image that a document belongs to, or nothing."""
    if key.kind == "image":
        return key.name
    return key.within if key.kind in ("entry", "kernel") else ""


def same_boot(before: Boot | None, after: Boot | None) -> bool:
    """Tell whether two boots are one to a node: entry, method, payload, parameters."""
    if before is None or after is None:
        return before is after
    same: Callable[[Boot], object] = lambda boot: (  # noqa: E731  one use, twice
        boot.image,
        boot.entry,
        boot.method,
        boot.payload.id,
        boot.params,
    )
    return same(before) == same(after)


def group_sets(state: State) -> dict[str, str]:
    """Return every group's folded set, for resolving `@group` in node sets."""
    groups: dict[str, Group] = state.groups()
    return {name: group.nodes for name, group in groups.items()}


def dropped(old: State, new: State) -> Iterator[Dropped]:
    """Yield the enabled targets that lose loaders by an edit, with what they lose."""
    before, after = _targets(old), _targets(new)
    for key in sorted(new.changes):
        was, is_now = before.get(key.name), after.get(key.name)
        if key.kind != "target" or was is None or is_now is None:
            continue
        gone = tuple(each for each in was.loaders if each not in is_now.loaders)
        if gone:
            left = _written(before, was.image) & _written(after, was.image)
            yield Dropped(key.name, gone, was.image, alone=not left)


def _targets(state: State) -> dict[str, Target]:
    found = {name: state.target(name) for name in state.names("target")}
    return {name: target for name, target in found.items() if target.enabled}


def _written(targets: Mapping[str, Target], image: str | None) -> set[Loader]:
    """Return the loaders that targets write for, of one image or of servers."""
    found = (target for target in targets.values() if target.image == image)
    return {loader for target in found for loader in target.loaders}
