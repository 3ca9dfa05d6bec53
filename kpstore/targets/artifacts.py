"""Artifacts on their way to a target: none is published that isn't what it says."""

from hashlib import file_digest
from pathlib import Path

from kpstore.errors import CorruptState
from kpstore.targets.values import ArtifactSource


def checked(artifacts: ArtifactSource, sha256: str) -> Path:
    """Return an artifact's file, hashed: for those only that a target lacks.

    Raises CorruptState when it holds other bytes than its name says, NotFound.
    """
    path = artifacts.path(sha256)
    with path.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() != sha256:
            raise damaged(sha256)
    return path


def damaged(sha256: str) -> CorruptState:
    """Say that an artifact can't be published."""
    return CorruptState(
        f"artifact {sha256} holds other bytes than its name says",
        hint="`kp doctor` lists damaged artifacts and how to get them back",
    )
