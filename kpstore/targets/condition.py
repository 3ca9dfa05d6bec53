"""How a target stands against main; docs/architecture.md section 5 has the words.

Free of models and renderers, so that `kp status` can judge targets without them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kpstore.targets.values import Condition, Identity, Marker


@dataclass(frozen=True)
class TargetSpec:
    """What a target's document says, in plain values."""

    name: str
    kind: str
    loaders: tuple[str, ...]
    image: str | None
    enabled: bool
    prefix: str
    grub_dir: str
    replace: bool

    @classmethod
    def of(cls, name: str, fields: Mapping[str, Any]) -> "TargetSpec":
        """Take it from a document's fields, read as JSON or dumped from a model."""
        return cls(
            name=name,
            kind=fields["kind"],
            loaders=tuple(fields["loaders"]),
            image=fields["image"],
            enabled=fields["enabled"],
            prefix=fields["options"]["prefix"],
            grub_dir=fields["options"]["grub_dir"],
            replace=fields["options"]["replace"],
        )

    def inputs(self, subtree: Callable[[str], str | None]) -> dict[str, str]:
        """Return the ids of all that the target's rendering is made of.

        Where they are equal in two commits, so is every byte that is served.
        """
        paths = ["site.json", f"targets/{self.name}.json"]
        if self.kind == "image":
            paths.append(f"images/{self.image}")
        else:
            paths += ["images", "nodes", "groups"]
        return {path: subtree(path) or "" for path in paths}


def left_behind(name: str) -> str:
    """Say what a target is that lags by choice, and how it comes along again."""
    return f"left behind by choice; kp publish {name} brings it to main"


class Served(Protocol):
    """What a target says of itself; None instead of one: it has no path here."""

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent."""

    def marker(self) -> Marker | None:
        """Return what it says it serves."""

    def unfinished(self) -> bool:
        """Tell whether a switch began and did not end."""


def judge(
    spec: TargetSpec,
    site: str,
    served: Served | None,
    subtree: Callable[[str], str | None],
    on_main: Callable[[str], bool],
) -> Condition:
    """Judge a target against main: `subtree` gives main's ids by path."""
    identity = served.identity() if served else None
    if served is None or identity is None:
        return "absent"
    marker = served.marker()
    ours = (identity.site, identity.target) == (site, spec.name)
    past = marker is None or (marker.site == site and on_main(marker.commit))
    if not ours or not past:
        return "ahead"
    if identity.hold:
        return "on hold"
    if marker is None or served.unfinished():
        return "lagging"
    return "live" if marker.inputs == spec.inputs(subtree) else "lagging"
