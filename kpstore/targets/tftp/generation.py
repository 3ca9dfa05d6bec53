"""What a TFTP target is given to publish: one commit's rendering, or its change."""

from collections.abc import Mapping
from dataclasses import dataclass

from kpstore.targets.values import Marker, ObjectFile

POLICY = "policy"  # the template of nodes that the site doesn't know


@dataclass(frozen=True, slots=True)
class NodeForm:
    """How one MAC is served: by its template's menus, or by small files of its own.

    `files` maps a loader to the node's own file, for loaders that can't fill in the
    node's variables by themselves; the other loaders get the template's menu.
    """

    template: str
    files: Mapping[str, bytes] | None = None


@dataclass(frozen=True)
class Generation:
    """One commit's rendering, given as the difference to the live one.

    `menus` are rendered anew (template -> loader -> bytes), `kept` templates are
    carried over from the live generation; a template in neither is retired: its menu
    stays readable for `grace` seconds. `objects` are what the rendered menus name.
    `nodes` maps a MAC (`aa:bb:cc:dd:ee:ff`) to its new form, or to None where its
    entry points go; only what changed, unless `complete`. `now` is seconds since the
    epoch. `drawn_before`: its menus are those of another version of kp.
    """

    marker: Marker
    menus: Mapping[str, Mapping[str, bytes]]
    kept: frozenset[str]
    objects: tuple[ObjectFile, ...]
    nodes: Mapping[str, NodeForm | None]
    now: float
    grace: float = 86400.0
    complete: bool = False
    drawn_before: bool = False
