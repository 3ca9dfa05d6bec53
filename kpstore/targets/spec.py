"""What a target's document says, in plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpstore.loaders.lookup import Lookup, lookups


@dataclass(frozen=True)
class TargetSpec:
    """One target: its name, and the fields of its document.

    Free of models, so that `kp status` can judge targets without them.
    """

    name: str
    kind: str
    loaders: tuple[str, ...]
    image: str | None
    enabled: bool
    prefix: str
    grub_dir: str
    replace: bool
    server: str = ""

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
            server=fields["options"].get("server", ""),
        )

    @property
    def lookups(self) -> dict[str, Lookup]:
        """Return where each loader from the network looks below this target."""
        return lookups(self.grub_dir)
