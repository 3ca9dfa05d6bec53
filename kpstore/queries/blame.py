"""Which commit last set what an entry says, or what a node boots."""

from collections.abc import Iterator
from typing import NamedTuple

from kpstore.errors import KpError
from kpstore.history.revisions import Query, Revision
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, resolve, template_in
from kpstore.model.documents import Node
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.queries.diff import FieldChange, show
from kpstore.queries.log import log
from kpstore.site.opened import OpenSite


class Blamed(NamedTuple):
    """A field as it is now, and the commit that last set it."""

    revision: Revision
    change: FieldChange


def blame_entry(site: OpenSite, image: str, name: str) -> Iterator[Blamed]:
    """Yield the fields of an entry, those that were set last first."""
    seen: set[str] = set()
    for line in log(site, Query(entry=f"{image}/{name}")):
        for change in show(site, line.commit).changes:
            fits = change.document == f"entry {image}/{name}"
            if fits and change.field not in seen:
                seen.add(change.field)
                yield Blamed(line, change)


def blame_node(site: OpenSite, name: str) -> Iterator[Blamed]:
    """Yield what a node boots, part by part, what was set last first.

    A part is `image`, `entry`, `method`, `kernel` (its release), `initrd`, `xen`, and
    each `parameter`.
    """
    about = f"what {name} boots"
    left = _parts(State(site.main()), name)
    for line in log(site, Query(node=name)):
        parent = site.repository.commit(line.commit).parents
        before = _parts(
            State(Snapshot(site.repository, next(iter(parent), None))), name
        )
        for field, value in [each for each in left if each not in before]:
            old = next((v for f, v in before if f == field != "parameter"), None)
            yield Blamed(line, FieldChange(about, field, old, value))
        left = [each for each in left if each in before]
        if not left:
            break


def _parts(state: State, name: str) -> list[tuple[str, str]]:
    """Return what a node boots; nothing where it boots by the policy."""
    node = state.get(Key("node", name))
    try:
        found = isinstance(node, Node) and resolve(state, template_in(state, node))
    except KpError:  # it dangles, in a state of before
        return []
    return list(_parts_of(found)) if found else []


def _parts_of(boot: Boot) -> Iterator[tuple[str, str]]:
    yield "image", boot.image
    yield "entry", boot.entry
    yield "method", boot.method
    files = boot.kernel.artifacts
    yield "kernel", f"{boot.kernel.release} {files.vmlinuz.sha256[:12]}"
    yield from (("initrd", file.sha256[:12]) for file in files.initrd)
    if boot.xen:
        yield "xen", f"{boot.xen.release} {boot.xen.artifacts.vmlinuz.sha256[:12]}"
    yield from (("parameter", token) for token in boot.params)
