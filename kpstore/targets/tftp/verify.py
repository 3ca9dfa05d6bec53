"""Drift: how a target differs from what kp published there."""

from collections.abc import Iterator, Mapping

from kpstore.targets.tftp import kept as tftp_kept
from kpstore.targets.tftp import parts
from kpstore.targets.tftp.compare import check_folder
from kpstore.targets.tftp.expected import wanted
from kpstore.targets.tftp.format import ground, outgoing
from kpstore.targets.tftp.format.content import has_object
from kpstore.targets.tftp.format.damage import examine, known
from kpstore.targets.tftp.format.defaults import Defaults
from kpstore.targets.tftp.format.forms import entry_texts
from kpstore.targets.tftp.format.layout import (
    LIVE,
    OBJECTS,
    STATE,
    EntryNames,
    Layout,
    is_digest,
)
from kpstore.targets.tftp.format.links import kind_of, names_in, other_links
from kpstore.targets.tftp.format.state import (
    GenerationState,
    LiveGeneration,
    generation_links,
)
from kpstore.targets.tftp.generation import Generation, NodeForm
from kpstore.targets.values import Finding


def verify(
    layout: Layout,
    generation: Generation,
    policy: Mapping[str, bytes],
    defaults: Defaults,
    *,
    deep: bool,
) -> list[Finding]:
    """Compare a target with a complete generation; see `TftpTarget.verify`."""
    live, found = examine(layout)
    want = wanted(layout, generation, policy, deep=deep)
    if live is not None:
        found += _generation(layout, live, want.state)
        found += parts.shelves(layout, want.state)
    for path, files in {**want.menus, **want.shards}.items():
        found += check_folder(layout, path, files)
    found += _objects(layout, generation, deep=deep)
    if deep:
        told = {each.path for each in found}
        lost = (path for path in outgoing.lost(layout, want.state) if path not in told)
        found += (Finding(path, "missing") for path in lost)
        told |= {each.path for each in found}
        spare = tftp_kept.findings(layout, want)
        found += (each for each in spare if each.path not in told)
    found += parts.extras(layout)
    found += parts.attributes(layout, live)
    amiss = {each.path for each in ground.amiss(layout)}
    for names in layout.entries if deep else ():
        if names.folder not in amiss:
            found += _entries(layout, names, generation.nodes, flat=want.state.flat)
    identity = known(layout)
    kept, before = identity.kept if identity else (), generation.drawn_before
    return [*found, *defaults.findings(kept, drawn_before=before)]


def _generation(
    layout: Layout, live: LiveGeneration, want: GenerationState
) -> Iterator[Finding]:
    """Compare the live generation: its marker and its links."""
    if live.state.marker != want.marker:
        was = live.state.marker
        yield Finding(f"{LIVE}/{STATE}", "changed", f"it serves r{was.revision}")
    yield from parts.live_links(layout, live, generation_links(want))


def _entries(
    layout: Layout,
    names: EntryNames,
    nodes: Mapping[str, NodeForm | None],
    *,
    flat: bool,
) -> Iterator[Finding]:
    """Compare one loader's entry points with their text."""
    want = entry_texts(names, nodes, flat=flat)
    differing, more = other_links(layout.path(names.folder), want)
    for name, text in (differing | more).items():
        if text is None:
            if name in want:
                yield Finding(f"{names.folder}/{name}", "missing")
        elif mac := names.mac(name):
            yield _entry(names, mac, name, text, known=name in want)


def _entry(
    names: EntryNames, mac: str, name: str, text: str, *, known: bool
) -> Finding:
    """Say what is wrong with an entry point that has this text."""
    path, ours = f"{names.folder}/{name}", names.parse(mac, text) is not None
    if known:
        return Finding(path, "changed" if ours else "foreign")
    return Finding(path, "extra" if ours else "kept", "no node has this MAC")


def _objects(
    layout: Layout, generation: Generation, *, deep: bool
) -> Iterator[Finding]:
    there = set(filter(is_digest, names_in(layout.path(OBJECTS)))) if deep else set()
    told = []
    for found in parts.objects(layout, sorted(there)):
        told.append(found.path)
        yield found
    for each in generation.objects:
        home = each.path.rpartition("/")[0]
        if {home, each.path} & {*told} or has_object(layout, each, deep=False):
            continue
        there_is = kind_of(layout.path(each.path)) != 0
        yield Finding(each.path, "changed" if there_is else "missing")
