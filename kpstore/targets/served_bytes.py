"""The bytes that a state is rendered to, by target and file, for people to compare."""

from collections.abc import Callable
from pathlib import Path

from kpstore.model.census import FullCensus
from kpstore.model.state import State
from kpstore.targets.desired import Desired
from kpstore.targets.registry import KINDS
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import Marker

_NOBODY = Marker("", "0" * 40, 0)  # no file that nodes read names the commit


def served_bytes(
    state: State, root_of: Callable[[TargetSpec], Path | None] = lambda _: None
) -> dict[str, bytes]:
    """Return what every target would serve, complete: `target/file` -> bytes.

    `root_of` says where this server has a target.
    """
    desired = Desired(state, _NOBODY, 0, 0, counted=FullCensus(state))
    specs = [
        TargetSpec.of(name, state.target(name).model_dump())
        for name in state.names("target")
    ]
    return {
        f"{spec.name}/{path}": data
        for spec in specs
        if spec.enabled
        for path, data in KINDS[spec.kind].files(spec, desired, root_of(spec))
    }
