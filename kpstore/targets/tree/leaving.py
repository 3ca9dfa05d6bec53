"""What is said of an image tree that can't be left clean."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from kpstore.errors import NotFound
from kpstore.targets.tree.layout import HOME, IDENTITY
from kpstore.targets.values import ArtifactSource, Finding


def left(
    root: Path,
    originals: Mapping[str, str],
    artifacts: ArtifactSource,
    *,
    is_target: bool,
) -> list[Finding]:
    """Say what stays, and how to go on; `originals`: path -> SHA-256 of what gave way.

    `is_target`: the tree still says whose it is.
    """
    if is_target:
        why = "what it replaced can't be put back"
    elif root.is_dir():
        why = f"{root} lost its {IDENTITY}"
    else:
        why = f"{root} is not there"
    said = "stays, with the loader files and modules that kp wrote"
    again = "to take them out, add the target again and remove it"
    return [
        Finding(HOME, "left", f"{said}: {why}; {again}"),
        *(
            Finding(path, "left", _put_back(root / path, sha256, artifacts))
            for path, sha256 in originals.items()
        ),
    ]


def _put_back(path: Path, sha256: str, artifacts: ArtifactSource) -> str:
    """Say where a distribution's own loader file is kept."""
    kept = f"stays kp's; the distribution's own is kept as artifact {sha256}: "
    try:
        return f"{kept}cp {quote(str(artifacts.path(sha256)))} {quote(str(path))}"
    except NotFound:
        return (
            f"stays kp's, with all that it lists: the distribution's own, artifact "
            f"{sha256}, is gone; have it written anew in the image, then remove {HOME}"
        )
