"""Whose a TFTP root is: made a target, taken back, left. Nodes see none of it."""

from collections.abc import Iterable
from pathlib import Path

from kpstore.disk.durable import (
    remove,
    remove_empty,
    remove_tree,
    sync_directory,
    write_file,
)
from kpstore.errors import CorruptState
from kpstore.targets.tftp.format.canonical import canonical
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    IDENTITY,
    KP,
    MENUS,
    OBJECTS,
    RESERVE,
    RETIRED,
    SHARDS,
    SHELVES,
    Layout,
)
from kpstore.targets.tftp.format.links import is_folder
from kpstore.targets.tftp.format.state import read_live
from kpstore.targets.values import Finding, Identity


def write_identity(layout: Layout, identity: Identity) -> None:
    """Say whose target it is, durably."""
    write_file(layout.path(IDENTITY), _encoded(identity))


def _encoded(identity: Identity) -> bytes:
    """Return the canonical JSON of TARGET."""
    return canonical(
        {
            "hold": identity.hold,
            "kept": list(identity.kept),
            "site": identity.site,
            "target": identity.target,
        }
    )


def lacking(layout: Layout) -> list[Path]:
    """Return the folders that creating and staging would add, parents first."""
    prefix = layout.base.relative_to(layout.root)
    above = [layout.root / part for part in (prefix, *prefix.parents)]
    ours = (KP, GENERATIONS, SHELVES, MENUS, SHARDS, OBJECTS, RETIRED)
    inside = [layout.path(folder) for folder in ours]
    return [path for path in (*reversed(above), *inside) if not path.exists()]


def take_back(layout: Layout, lacked: Iterable[Path]) -> None:
    """Make it nobody's again; of the folders it `lacked` those that are empty go."""
    forget(layout)
    for folder in reversed([*lacked]):
        remove_empty(folder)


def forget(layout: Layout) -> None:
    """Make it nobody's target, durably; missing is fine."""
    if is_folder(layout.path(KP)) and not is_folder(layout.path(IDENTITY)):
        remove_tree(layout.path(RESERVE))
        remove(layout.path(IDENTITY))
        sync_directory(layout.path(KP))


def still_serving(layout: Layout) -> list[Finding]:
    """Return what nodes go on to boot from, as a finding, if there is anything."""
    try:
        live = read_live(layout)
    except CorruptState:
        what = "what is there"
    else:
        if live is None:
            return []
        what = f"r{live.state.marker.revision}"
    detail = f"goes on serving {what} to nodes; remove it by hand when nothing boots"
    return [Finding(str(layout.path(KP)), "serving", f"{detail} from it")]
