"""What the servers around a target need to be told."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kpstore.model.documents import Target
from kpstore.model.validation import make
from kpstore.targets.registry import KINDS
from kpstore.targets.spec import TargetSpec


def advice(name: str, fields: Mapping[str, Any], root: Path) -> Iterator[str]:
    """Say it of a target with these fields; InvalidInput where they are none."""
    document = make(Target, fields, f"target {name}")
    spec = TargetSpec.of(name, document.model_dump())
    yield from KINDS[spec.kind].advice(spec, root)
