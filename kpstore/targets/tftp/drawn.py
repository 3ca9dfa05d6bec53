"""What another version of kp drew, held against its own digests.

Menus and own files are what they are; only what the state says of nodes is asked:
which template each boots by.
"""

from collections.abc import Mapping
from dataclasses import replace

from kpstore.targets.tftp.format.content import digest_of, digests
from kpstore.targets.tftp.format.layout import MENUS, SHARDS, SUMS, Layout
from kpstore.targets.tftp.format.links import files_in
from kpstore.targets.tftp.format.state import GenerationState
from kpstore.targets.tftp.generation import Generation, NodeForm

_Own = dict[str, dict[str, bytes]]


def as_drawn(
    layout: Layout, generation: Generation, live: GenerationState, *, own: bool
) -> Generation | None:
    """Return a complete generation with the live menus in place of its own.

    Nodes' own files, too, if they are asked for: `own` reads them all. None where what
    lies there isn't whole: then nothing can be drawn as it was.
    """
    menus = {menu.digest for menu in live.menus.values()}
    if any(_files(layout, MENUS, digest) is None for digest in menus):
        return None
    nodes = generation.nodes
    if own:
        files = _own_files(layout, live)
        if files is None:
            return None
        nodes = {
            mac: form and NodeForm(form.template, files.get(mac))
            for mac, form in nodes.items()
        }
    kept = frozenset(live.templates())
    return replace(generation, menus={}, kept=kept, nodes=nodes, drawn_before=True)


def _own_files(layout: Layout, live: GenerationState) -> _Own | None:
    """Return the own files that lie in the live shards, by MAC and loader."""
    found: _Own = {}
    for shard in live.shards.values():
        files = _files(layout, SHARDS, shard.digest)
        if files is None:
            return None
        for name, data in files.items():
            mac, _, loader = name.partition(".")
            found.setdefault(mac.replace("-", ":"), {})[loader] = data
    return found


def _files(layout: Layout, folder: str, digest: str) -> Mapping[str, bytes] | None:
    """Return the files of a folder that is what its name says; else None."""
    found = {name: s.data for name, s in files_in(layout.path(folder, digest))}
    found.pop(SUMS, None)
    return found if digest_of(digests(found)) == digest else None
