"""What a target's document says, in plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
