"""The nodes of a state, for a listing: all, or those that boot something."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, Literal

from kpstore.history.snapshot import Snapshot, changes_between
from kpstore.model.boot import Boot, resolve
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.names import missing
from kpstore.model.state import State
from kpstore.model.templates import Template
from kpstore.queries.diff import fields_of
from kpstore.site.opened import OpenSite

_SHORT: Final = 12  # digits of a payload in a message
_FEW: Final = 1000  # nodes that are read sooner one by one than all together


@dataclass(frozen=True)
class BootAsked:
    """What nodes boot, as far as it is asked for; None: whatever it is.

    `kernel`, a hypervisor too, and `entry` are NAME or IMAGE/NAME, `payload` the first
    digits of its id. `since` is a revision: that they boot differently than then.
    """

    kernel: str | None = None
    entry: str | None = None
    payload: str | None = None
    since: str | None = None


def listed_nodes(state: State) -> Iterator[dict[str, Any]]:
    """Read every node's fields for a listing, those of the base unvalidated."""
    changed = {key.name for key in state.changes if key.kind == "node"}
    assert isinstance(state.base, Snapshot)
    for fields in state.base.raw_nodes():
        if fields["name"] not in changed:
            yield fields
    for name in changed:
        node = state.get(Key("node", name))
        if node is not None:
            yield fields_of(node)


def nodes_that_boot(site: OpenSite, asked: BootAsked) -> set[str]:
    """Return the names of main's nodes that boot what is asked for.

    By the index where it stands at main: a template is looked at, not each node.
    NotFound for a kernel, entry, payload or revision that isn't there.
    """
    main = site.main()
    state, census = State(main), site.census(main)
    _check_known(state, asked)
    found: set[str] | None = None
    if any((asked.kernel, asked.entry, asked.payload)):
        moves = Moves(state, State(main), census)
        found = {
            name
            for template in census.templates()
            if _fits(moves.new_boot(template), asked)
            for name in census.nodes_of(template)
        }
    if asked.since is not None:
        then = Snapshot(site.repository, site.resolve(asked.since))
        # Backwards, since it is main that the index counts.
        back = Moves(state, State(main, changes_between(main, then)), census)
        since = {name for name in back.names() if state.get(Key("node", name))}
        found = since if found is None else found & since
    return found or set()


def fields_of_nodes(state: State, names: Collection[str]) -> list[dict[str, Any]]:
    """Return the fields of some nodes, sorted by name: a few are read alone."""
    if len(names) <= _FEW:
        return [fields_of(state.node(name)) for name in sorted(names)]
    every = (node for node in listed_nodes(state) if node["name"] in names)
    return sorted(every, key=itemgetter("name"))


def _fits(boot: Boot | None, asked: BootAsked) -> bool:
    if boot is None:
        return False
    xen = boot.config.xen
    kernels = [boot.config.kernel, *([xen.kernel] if xen else [])]
    return (
        (asked.kernel is None or _names(asked.kernel, boot.image, kernels))
        and (asked.entry is None or _names(asked.entry, boot.image, [boot.entry]))
        and boot.payload.id.startswith(asked.payload or "")
    )


def _names(asked: str, image: str, names: Collection[str]) -> bool:
    return asked in names or asked in {f"{image}/{name}" for name in names}


def _check_known(state: State, asked: BootAsked) -> None:
    if asked.kernel is not None:
        _check_name(state, "kernel", asked.kernel)
    if asked.entry is not None:
        _check_name(state, "entry", asked.entry)
    if asked.payload is not None:
        payloads = {
            boot.payload.id
            for image in state.names("image")
            for entry in state.names("entry", image)
            if (boot := resolve(state, Template(image, entry)))
        }
        if not asked.payload or not any(p.startswith(asked.payload) for p in payloads):
            raise missing("payload", asked.payload, {p[:_SHORT] for p in payloads})


def _check_name(state: State, kind: Literal["kernel", "entry"], name: str) -> None:
    known = [
        f"{image}/{each}" if "/" in name else each
        for image in state.names("image")
        for each in state.names(kind, image)
    ]
    if name not in known:
        raise missing(kind, name, {*known})
