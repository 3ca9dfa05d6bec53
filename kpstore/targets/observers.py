"""The kinds of targets, as far as looking goes: all that `kp status` needs of them.

`registry` has the kinds whole; they have the same names.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from kpstore.targets.observed import Observed, Observer
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.observe import TftpObserver
from kpstore.targets.tree.observe import TreeObserver

_KINDS: Final[tuple[Observer, ...]] = (TftpObserver(), TreeObserver())

OBSERVERS: Final[dict[str, Observer]] = {kind.name: kind for kind in _KINDS}


def observe(spec: TargetSpec, root: Path) -> Observed:
    """Return a target at its path, to be looked at."""
    return OBSERVERS[spec.kind].observe(spec, root)


def inputs_of(
    spec: TargetSpec, subtree: Callable[[str], str | None]
) -> Mapping[str, str]:
    """Return the ids of all that a target's rendering is made of, by path.

    Where they are equal in two commits, so is every byte that is served.
    """
    paths = ["site.json", f"targets/{spec.name}.json"]
    paths += OBSERVERS[spec.kind].inputs(spec)
    return {path: subtree(path) or "" for path in paths}
