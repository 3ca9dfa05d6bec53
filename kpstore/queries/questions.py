"""What can be asked of state and history: what a node boots and why, what changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kpstore.errors import NotFound
from kpstore.health.verdicts import bad_verdict
from kpstore.history.record import Record, person_name
from kpstore.history.revisions import Query, Revision
from kpstore.history.snapshot import Differences, Snapshot, diff
from kpstore.loaders.boot_menu import files_of, linux_of
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import Document, Node, Verdict
from kpstore.model.keys import Key
from kpstore.model.params import Layer, Merged, compose
from kpstore.model.state import State
from kpstore.model.templates import Membership, Template, next_entry, template_of
from kpstore.model.variables import fill
from kpstore.site.opened import OpenSite
from kpstore.targets.served_bytes import served_bytes
from kpstore.targets.tftp.paths import TftpPaths
from kpstore.targets.tree import paths as tree_paths


@dataclass(frozen=True)
class FieldChange:
    """One field of one document, as JSON values; None where absent."""

    document: str
    field: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Shown:
    """One commit: its line in the log, its record, its fields."""

    revision: Revision
    record: Record
    changes: Sequence[FieldChange]


@dataclass(frozen=True)
class EntryShown:
    """An entry as a node boots it, or as any would; paths as a TFTP loader sees them.

    `cmdline` has references in it where no node is given.
    """

    image: str
    entry: str
    payload: str
    method: str
    verdict: str
    kernel: dict[str, str]
    initrd: Sequence[dict[str, str]]
    xen: dict[str, str] | None
    params: Sequence[Merged]
    cmdline: str


@dataclass(frozen=True)
class Why:
    """What a node boots next and why; `last` is the commit that last shaped it."""

    node: str
    image: str | None
    template: str
    groups: Sequence[str]
    reason: str
    entry: EntryShown | None
    last: Sequence[Revision]
    served: Sequence[tuple[str, str, str]]


class Questions:
    """Answers about one site; reads only."""

    def __init__(self, site: OpenSite) -> None:
        self.site = site

    def show(self, rev: str) -> Shown:
        """Return a commit with the fields that it changed."""
        commit = self.site.resolve(rev)
        info = self.site.repository.commit(commit)
        parent = Snapshot(
            self.site.repository, info.parents[0] if info.parents else None
        )
        new = Snapshot(self.site.repository, commit)
        record = self.site.record(commit)
        line = Revision(
            record.revision,
            commit,
            info.time,
            person_name(info.author),
            record.op,
            record.subject,
        )
        return Shown(line, record, list(field_changes(diff(parent, new))))

    def diff(self, old: State, new: State) -> list[FieldChange]:
        """Return the fields that differ; `new` is laid over a snapshot."""
        found: Differences = {
            key: (old.get(key), document) for key, document in new.changes.items()
        }
        if isinstance(old.base, Snapshot) and isinstance(new.base, Snapshot):
            between = diff(old.base, new.base)
            for key in between.keys() - found.keys():
                found[key] = between[key]
        return list(field_changes(found))

    def rendered(self, old: State, new: State) -> list[tuple[str, str, str]]:
        """Return the files that nodes would be served otherwise: name, old, new text.

        An absent file is empty.
        """
        before, after = served_bytes(old), served_bytes(new)
        return [
            (name, before.get(name, b"").decode(), after.get(name, b"").decode())
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]

    def entry(
        self, state: State, image: str, name: str, node: str | None
    ) -> EntryShown:
        """Return an entry as a node would boot it, or without a node."""
        state.entry(image, name)
        if node is None:
            boot = resolve(state, Template(image, name))
            assert boot is not None  # an image and an entry: no policy
            return _entry(state, boot, None)
        found = state.node(node)
        template = Template(image, name, Membership(state.groups()).of(node))
        boot = resolve(state, template, _own(found, image, name))
        assert boot is not None
        return _entry(state, boot, found)

    def nodes(self, state: State) -> Iterator[dict[str, Any]]:
        """Read every node's fields for a listing, those of the base unvalidated."""
        changed = {key.name for key in state.changes if key.kind == "node"}
        assert isinstance(state.base, Snapshot)
        for fields in state.base.raw_nodes():
            if fields["name"] not in changed:
                yield fields
        for name in changed:
            node = state.get(Key("node", name))
            if node is not None:
                yield _fields(node)

    def why(self, state: State, name: str) -> Why:
        """Return what a node boots next, with every parameter's origin."""
        node = state.node(name)
        template = _template(state, node)
        boot = resolve(state, template, _own(node, template.image, template.entry))
        return Why(
            node=name,
            image=node.image,
            template=template.name,
            groups=template.groups,
            reason=_reason(state, node, boot),
            entry=_entry(state, boot, node) if boot else None,
            last=list(self._last(node, boot)),
            served=[
                (
                    target.name,
                    target.condition(self.site.main().subtree, self.site.on_main),
                    marker.commit if (marker := target.marker()) else "",
                )
                for target in self.site.targets(state)
            ],
        )

    def _last(self, node: Node, boot: Boot | None) -> Iterator[Revision]:
        queries = [Query(node=node.name, limit=1)]
        if boot:
            entry = f"{boot.image}/{boot.entry}"
            kernel = f"{boot.image}/{boot.config.kernel}"
            queries += [
                Query(image=boot.image, limit=1),
                Query(entry=entry, limit=1),
                Query(kernel=kernel, limit=1),
            ]
        found = {line for query in queries for line in self.site.revisions(query)}
        yield from sorted(found, reverse=True)


def field_changes(differences: Differences) -> Iterator[FieldChange]:
    """Yield the fields that differ, document by document, as JSON values."""
    for key in sorted(differences):
        old, new = (_fields(document) for document in differences[key])
        for field in sorted(old.keys() | new.keys()):
            if old.get(field) != new.get(field):
                yield FieldChange(str(key), field, old.get(field), new.get(field))


def _fields(document: Document | None) -> dict[str, Any]:
    if document is None:
        return {}
    fields: dict[str, Any] = document.model_dump(mode="json", by_alias=True)
    return fields


def _template(state: State, node: Node) -> Template:
    groups = Membership(state.groups()).of(node.name)
    return template_of(node, groups, state.site().repeatable)


def _own(node: Node, image: str, entry: str) -> list[Layer]:
    """Return what a node adds to an entry; its next boot's only to that entry."""
    layers = [Layer(f"node {node.name}", node.params)]
    if node.next and next_entry(node.next.entry, node.image) == (image, entry):
        layers.append(Layer(f"next boot of {node.name}", node.next.params))
    return layers


def _reason(state: State, node: Node, boot: Boot | None) -> str:
    if boot is None and node.image is None:
        return "it has no image: the unknown-node policy (local disk)"
    if boot is None:
        return f"image {node.image} has no default: the unknown-node policy"
    missing = [name for name in boot.variables if name not in boot.values(node)]
    if missing:
        return f"it lacks {', '.join(missing)}: the unknown-node policy (local disk)"
    if node.next is not None:
        return f"next-boot override {node.next.entry}, until it is cleared"
    return f"default of image {boot.image}"


def verdict_of(state: State, boot: Boot) -> str:
    """Return `good`, `bad` (its own or its kin's) or `unknown`."""
    own = state.verdict(boot.payload.id)
    if own is not None:
        return own.verdict
    bad: Verdict | None = bad_verdict(state, boot.payload)
    return "bad" if bad else "unknown"


def _entry(state: State, boot: Boot, node: Node | None) -> EntryShown:
    params = boot.params
    if node is not None:
        values = boot.values(node)
        missing = [name for name in boot.variables if name not in values]
        if missing:
            raise NotFound(
                f"node {node.name} has no {', '.join(missing)}, which "
                f"{boot.image}/{boot.entry} uses",
                hint=f"kp node set {node.name} …",
            )
        params = fill(params, values)
    tftp = linux_of(boot, TftpPaths().seen(boot))
    tree = linux_of(boot, tree_paths.seen(boot))
    kernel, *initrds = files_of(boot)
    return EntryShown(
        image=boot.image,
        entry=boot.entry,
        payload=boot.payload.id,
        method=boot.method,
        verdict=verdict_of(state, boot),
        kernel={
            "sha256": kernel.sha256,
            "path": tftp.kernel,
            "tree_path": tree.kernel,
            "release": boot.kernel.release,
        },
        initrd=[
            {"sha256": file.sha256, "path": path, "tree_path": tree_path}
            for file, path, tree_path in zip(
                initrds, tftp.initrds, tree.initrds, strict=False
            )
        ],
        xen={"path": tftp.xen.path, "cmdline": compose(tftp.xen.params)}
        if tftp.xen
        else None,
        params=boot.merged,
        cmdline=compose(params),
    )
