"""What a way back or a look-up under way needs and nothing live does, looked through.

What is damaged or gone there is `spoiled`: no node is sent to it, a rollback draws it
anew, and it goes with its generation. Kernels come back from their artifacts.
"""

from collections.abc import Iterator
from typing import Final

from kpstore.targets.tftp import parts
from kpstore.targets.tftp.compare import check_folder
from kpstore.targets.tftp.expected import Wanted
from kpstore.targets.tftp.format import outgoing
from kpstore.targets.tftp.format.layout import GENERATIONS, MENUS, SHELVES, Layout
from kpstore.targets.tftp.format.links import kind_of
from kpstore.targets.tftp.format.outgoing import Kept
from kpstore.targets.values import Finding

_ARTIFACT: Final = "kp publish takes it from its artifact, where that can be had"


def findings(layout: Layout, want: Wanted) -> Iterator[Finding]:
    """Compare what isn't wanted, and what other generations than the live one link."""
    kept = outgoing.kept(layout)
    served = {*want.menus, *want.shards}
    for name in kept.unread:
        yield _spoiled(f"{GENERATIONS}/{name}", "it can't be read")
    for path, why in kept.parts.items():
        if path not in served:
            yield from _part(layout, path, why)
    yield from _shelves(layout, kept, {*want.state.shelf_names.values()})
    for path in outgoing.named(layout, kept.parts):
        if not kind_of(layout.path(path)):
            yield Finding(path, "spoiled", f"missing; {_ARTIFACT}")


def _part(layout: Layout, path: str, why: str) -> Iterator[Finding]:
    home, _, digest = path.rpartition("/")
    of_menu = home == MENUS
    look = check_folder(layout, path, None) if of_menu else parts.shard(layout, digest)
    if any(look):
        yield _spoiled(path, f"{why} needs it")


def _shelves(layout: Layout, kept: Kept, served: set[str]) -> Iterator[Finding]:
    for name, state in kept.generations.items():
        others = [path for path in state.shelf_names.values() if path not in served]
        served.update(others)
        wrong = {
            "/".join(each.path.split("/")[:3]) for each in parts.shelves(layout, state)
        }
        for each in others:
            if f"{SHELVES}/{each}" in wrong:
                yield _spoiled(f"{SHELVES}/{each}", f"generation {name} needs it")


def _spoiled(path: str, why: str) -> Finding:
    return Finding(path, "spoiled", f"{why}; a rollback draws it anew")
