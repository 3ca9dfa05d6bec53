"""From moves to a generation: menus per template, forms per node.

What is unchanged is kept by name, not rendered again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from kpstore.errors import KpError, NotFound
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Node
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.model.templates import UNKNOWN_NODE, Template
from kpstore.targets.desired import Desired
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.generation import Generation, NodeForm
from kpstore.targets.tftp.node_files import (
    NodeFiles,
    check_loaders,
    node_files,
    render_template,
)
from kpstore.targets.tftp.paths import TftpPaths
from kpstore.targets.values import ObjectFile

Boots = dict[Template, Boot | None]

_UNKNOWN = NodeForm(UNKNOWN_NODE.name)
"""How a node is served that can't be resolved: by the unknown-node policy."""


def render(spec: TargetSpec, desired: Desired) -> Generation:
    """Render what the moves change on one target, or all that it serves."""
    if desired.moves is None:
        return _Whole(spec, desired).generation()
    return _Change(spec, desired, desired.moves).generation()


def check(spec: TargetSpec, boot: Boot, values: Mapping[str, str], who: str) -> None:
    """Refuse a boot that a loader has no words for, or whose line it can't carry."""
    paths = TftpPaths(spec.prefix)
    check_loaders(boot, values, who, spec.loaders, paths)
    render_template(boot, spec.loaders, paths)


class _Tftp:
    """What is common to all renderings of one TFTP target."""

    def __init__(self, spec: TargetSpec, desired: Desired) -> None:
        self._desired = desired
        self._loaders = spec.loaders
        self._paths = TftpPaths(spec.prefix)
        self._own: dict[Template, NodeFiles | None] = {}

    def menus(self, boots: Boots) -> dict[str, dict[str, bytes]]:
        """Return the menus of templates and of the policy."""
        return {
            t.name: self._menus(boot)
            for t, boot in (boots | {UNKNOWN_NODE: None}).items()
        }

    def _menus(self, boot: Boot | None) -> dict[str, bytes]:
        """Return a template's menus; a loader that has none for it gets the policy.

        No entry point leads there: with node variables PXELINUX reads own files. What
        can't be drawn is the policy for all loaders: a commit refuses it
        (`check`), and a rollback of another image goes through.
        """
        policy = render_template(None, self._loaders, self._paths)
        try:
            return policy | render_template(boot, self._loaders, self._paths)
        except KpError:
            return policy

    def objects(self, boots: Iterable[Boot | None]) -> tuple[ObjectFile, ...]:
        """Return the files that the menus name."""
        found = (
            file
            for boot in boots
            if boot is None or (boot.method != "local" and self._is_drawn(boot))
            for file in self._paths.objects(boot)
        )
        return tuple(dict.fromkeys(found))

    def _is_drawn(self, boot: Boot) -> bool:
        try:
            render_template(boot, self._loaders, self._paths)
        except KpError:
            return False
        return True

    def own(self, node: Node, template: Template, boot: Boot) -> NodeForm:
        """Return the form of a node whose template's boot has variables."""
        if template not in self._own:
            self._own[template] = node_files(
                boot, self._loaders, self._paths, template.name
            )
        write = self._own[template]
        try:
            own = write.of(node) if write else None
        except KpError:  # a commit refuses this; a rollback goes through, and says so
            return _UNKNOWN
        return NodeForm(template.name, own)


class _Change(_Tftp):
    """Renders what an edit changes."""

    def __init__(self, spec: TargetSpec, desired: Desired, moves: Moves) -> None:
        super().__init__(spec, desired)
        self._moves = moves

    def generation(self) -> Generation:
        """Return changed menus, kept ones by name, and the nodes that changed."""
        boots = {template: self._moves.new_boot(template) for template in self._fresh()}
        kept = {
            t.name
            for t in self._moves.templates
            if t not in boots and t != UNKNOWN_NODE
        }
        return Generation(
            marker=self._desired.marker,
            menus=self.menus(boots),
            kept=frozenset(kept),
            objects=self.objects(boots.values()),
            nodes=dict(self._forms(boots)),
            now=self._desired.now,
            grace=self._desired.grace,
        )

    def _fresh(self) -> list[Template]:
        """Return the templates that are new, or mean something else now."""
        moves = self._moves
        before, changed = moves.census.templates(), set(moves.changed_templates)
        return [t for t in moves.touched_templates if t not in before or t in changed]

    def _forms(self, boots: Boots) -> Iterator[tuple[str, NodeForm | None]]:
        """Yield the forms of what moved, then of what is drawn otherwise now.

        That has files of its own, or comes from the unknown-node policy or goes to it.
        """
        kept = {m for move in self._moves.nodes.values() for m in _macs(move.new)}
        for move in self._moves.nodes.values():
            yield from ((m, None) for m in _macs(move.old) if m not in kept)
        for move in self._moves.nodes.values():
            if move.new and move.new_template:
                yield from self._node(move.new, move.new_template)
        for template, boot in boots.items():
            old = self._moves.old_boot(template)
            own = bool(boot and boot.variables) or bool(old and old.variables)
            turned = (boot is None) != (old is None)
            if (own or turned) and template in self._moves.census.templates():
                for node in self._moves.members(template):
                    yield from self._node(node, template)

    def _node(self, node: Node, template: Template) -> Iterator[tuple[str, NodeForm]]:
        form = self._form(node, template)
        yield from ((mac, form) for mac in node.macs)

    def _form(self, node: Node, template: Template) -> NodeForm:
        boot = self._moves.new_boot(template)
        if boot is None:
            return _UNKNOWN
        if not boot.variables:
            return NodeForm(template.name)
        return self.own(node, template, boot)


class _Whole(_Tftp):
    """Renders all of a state; nodes without variables are not even read."""

    def __init__(self, spec: TargetSpec, desired: Desired) -> None:
        super().__init__(spec, desired)
        self._state = desired.state
        self._census = desired.census()

    def generation(self) -> Generation:
        """Return every menu and the form of every node."""
        boots = {t: _resolved(self._state, t) for t in self._census.templates()}
        return Generation(
            marker=self._desired.marker,
            menus=self.menus(boots),
            kept=frozenset(),
            objects=self.objects(boots.values()),
            nodes=self._forms(boots),
            now=self._desired.now,
            grace=self._desired.grace,
            complete=True,
        )

    def _forms(self, boots: Boots) -> dict[str, NodeForm | None]:
        forms: dict[str, NodeForm | None] = {}
        own: dict[str, tuple[Template, Boot]] = {}
        for template, macs in self._census.macs().items():
            boot = boots[template]
            if boot is None or not boot.variables:
                shared = NodeForm(template.name) if boot else _UNKNOWN
                forms |= dict.fromkeys(macs, shared)
            else:
                names = self._census.nodes_of(template)
                own |= dict.fromkeys(names, (template, boot))
        for node in self._nodes(own):
            forms |= dict.fromkeys(node.macs, self.own(node, *own[node.name]))
        return forms

    def _nodes(self, names: Collection[str]) -> Iterable[Node]:
        """Read these nodes: one by one, or all where they are many of all."""
        if len(names) * 4 < sum(self._census.templates().values()):
            return map(self._state.node, names)
        return (node for node in self._state.nodes() if node.name in names)


def _resolved(state: State, template: Template) -> Boot | None:
    """Resolve; what dangles boots by the policy."""
    try:
        return resolve(state, template)
    except NotFound:
        return None


def _macs(node: Node | None) -> tuple[str, ...]:
    return node.macs if node else ()
