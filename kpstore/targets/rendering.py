"""From moves to what a target gets: menus per template, forms per node, tree files.

What is unchanged is kept by name, not rendered again.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from kpstore.errors import KpError, NotFound
from kpstore.loaders import render as files
from kpstore.loaders.limits import check_line, check_loaders, longest
from kpstore.loaders.menu import TreeOptions
from kpstore.model.boot import Boot, resolve
from kpstore.model.census import Census
from kpstore.model.documents import Node
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.model.templates import POLICY, Template
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.generation import Generation, NodeForm
from kpstore.targets.tree.target import TreeRendering
from kpstore.targets.values import Marker, ObjectFile

Boots = dict[Template, Boot | None]

_UNKNOWN = NodeForm(POLICY.name)
"""How a node is served that can't be resolved: by the unknown-node policy."""


@dataclass(frozen=True)
class When:
    """Times for a target: now (seconds since 1970) and the grace time in seconds."""

    now: float
    grace: float


Rendered = Generation | TreeRendering


def render(spec: TargetSpec, moves: Moves, marker: Marker, when: When) -> Rendered:
    """Render what an edit changes on one target; an image tree is rendered whole.

    Refused when a command line is longer than a loader carries.
    """
    if spec.kind == "image":
        return _tree(spec, moves.new, marker)
    return _Change(spec, moves).generation(marker, when)


def render_whole(
    spec: TargetSpec, state: State, census: Census, marker: Marker, when: When
) -> Rendered:
    """Render all that one target serves of a state, whose census is given."""
    if spec.kind == "image":
        return _tree(spec, state, marker)
    return _Whole(spec, state, census).generation(marker, when)


def _tree(spec: TargetSpec, state: State, marker: Marker) -> TreeRendering:
    image = spec.image or ""
    tree = files.render_tree(state, image, spec.loaders, TreeOptions(spec.grub_dir))
    kernels = [boot.kernel for boot in files.tree_boots(state, image).values()]
    modules = {
        (kernel.release, kernel.artifacts.modules.sha256, kernel.artifacts.modules.size)
        for kernel in kernels
        if kernel.artifacts.modules
    }
    return TreeRendering(
        marker=marker,
        files=tree.files,
        switch=tree.switch,
        objects=tuple(ObjectFile(*file) for file in tree.objects),
        modules=tuple(sorted(modules)),
    )


class _Tftp:
    """What is common to all renderings of one TFTP target."""

    def __init__(self, spec: TargetSpec) -> None:
        self._loaders = spec.loaders
        self._paths = files.TftpPaths(spec.prefix)
        self._own: dict[Template, files.NodeFiles | None] = {}

    def menus(self, boots: Boots) -> dict[str, dict[str, bytes]]:
        """Return the menus of templates and of the policy."""
        return {
            t.name: self._menus(boot) for t, boot in (boots | {POLICY: None}).items()
        }

    def _menus(self, boot: Boot | None) -> dict[str, bytes]:
        """Return a template's menus; a loader that has none for it gets the policy.

        No entry point leads there: with node variables PXELINUX reads own files. What
        can't be drawn is the policy for all loaders: a commit refuses it
        (`check_lines`), and a rollback of another image goes through.
        """
        policy = files.render_template(None, self._loaders, self._paths)
        try:
            return policy | files.render_template(boot, self._loaders, self._paths)
        except KpError:
            return policy

    def objects(self, boots: Iterable[Boot | None]) -> tuple[ObjectFile, ...]:
        """Return the files that the menus name."""
        found = {
            file: ObjectFile(*file)
            for boot in boots
            if boot is None or (boot.method != "local" and self._is_drawn(boot))
            for file in files.objects_of(boot, self._paths)
        }
        return tuple(found.values())

    def _is_drawn(self, boot: Boot) -> bool:
        try:
            files.render_template(boot, self._loaders, self._paths)
        except KpError:
            return False
        return True

    def own(self, node: Node, template: Template, boot: Boot) -> NodeForm:
        """Return the form of a node whose template's boot has variables."""
        if template not in self._own:
            self._own[template] = files.node_files(
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

    def __init__(self, spec: TargetSpec, moves: Moves) -> None:
        super().__init__(spec)
        self._moves = moves

    def generation(self, marker: Marker, when: When) -> Generation:
        """Return changed menus, kept ones by name, and the nodes that changed."""
        boots = {template: self._moves.new_boot(template) for template in self._fresh()}
        kept = {t.name for t in self._moves.templates if t not in boots and t != POLICY}
        return Generation(
            marker=marker,
            menus=self.menus(boots),
            kept=frozenset(kept),
            objects=self.objects(boots.values()),
            nodes=dict(self._forms(boots)),
            now=when.now,
            grace=when.grace,
        )

    def _fresh(self) -> list[Template]:
        """Return the templates that are new, or mean something else now."""
        moves = self._moves
        before, changed = moves.census.templates(), set(moves.changed_templates)
        return [t for t in moves.templates if t not in before or t in changed]

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

    def __init__(self, spec: TargetSpec, state: State, census: Census) -> None:
        super().__init__(spec)
        self._state = state
        self._census = census

    def generation(self, marker: Marker, when: When) -> Generation:
        """Return every menu and the form of every node."""
        boots = {t: _resolved(self._state, t) for t in self._census.templates()}
        return Generation(
            marker=marker,
            menus=self.menus(boots),
            kept=frozenset(),
            objects=self.objects(boots.values()),
            nodes=self._forms(boots),
            now=when.now,
            grace=when.grace,
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


def check_lines(moves: Moves, specs: Collection[TargetSpec]) -> None:
    """Refuse what no loader can write or carry, where an edit touches what is served.

    That is a command line which is too long, or a boot that it has no words for.
    """
    _check_trees(moves, specs)
    before = moves.census.templates()
    whole = {*moves.changed_templates, *moves.templates.keys() - before.keys()}
    if any(key.kind == "target" for key in moves.new.changes):
        whole |= moves.templates.keys()
    for template in whole:
        boot = moves.new_boot(template)
        if boot is not None and boot.method != "local":
            who = f"template {template.name}"
            nodes = moves.members(template) if boot.variables else []
            values = longest(boot.values(node) for node in nodes)
            _check(boot, values, who, specs)
    for name, move in moves.nodes.items():
        if move.new_template is None or move.new_template in whole:
            continue  # its template's longest line was held to it
        boot = moves.new_boot(move.new_template)
        if move.new and boot and boot.method != "local" and boot.variables:
            _check(boot, boot.values(move.new), f"node {name}", specs)


def _check_trees(moves: Moves, specs: Collection[TargetSpec]) -> None:
    """Hold all entries of touched trees to the limit: a disk's menu offers them all."""
    is_new = any(key.kind == "target" for key in moves.new.changes)
    for image in {spec.image for spec in specs if spec.image}:
        if is_new or moves.concerns(Template(image)):
            for boot in files.tree_boots(moves.new, image).values():
                check_line(boot, {}, f"the tree of {image}")


def _check(
    boot: Boot, values: dict[str, str], who: str, specs: Collection[TargetSpec]
) -> None:
    check_line(boot, values, who)
    for spec in specs:
        if spec.kind == "tftp":
            paths = files.TftpPaths(spec.prefix)
            check_loaders(boot, values, who, spec.loaders, paths)
            files.render_template(boot, spec.loaders, paths)


def _macs(node: Node | None) -> tuple[str, ...]:
    return node.macs if node else ()
