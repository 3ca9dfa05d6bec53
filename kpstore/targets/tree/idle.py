"""A tree for which its commit lists nothing.

Where kp keeps what its files replaced, that comes back and kp's go. Else what was
listed last stays, since the disk must boot something, and every view says so.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple

from kpstore.disk.beneath import Beneath
from kpstore.errors import CorruptState, NotFound
from kpstore.targets.artifacts import checked
from kpstore.targets.tree.layout import Claims, LiveTree, TreeRendering
from kpstore.targets.tree.records import read_live
from kpstore.targets.values import ArtifactSource, Finding, ObjectFile

_NOTHING: Final = "main lists nothing for this disk"
_STAYS: Final = (
    f"{_NOTHING}; kp keeps no original to put back, so it goes on booting what was "
    "listed last: kp target rm takes that out"
)
_COMES: Final = f"{_NOTHING}: kp publish gives the image's own back"


class Unlisted(NamedTuple):
    """What becomes of kp's files that a rendering doesn't have.

    `back`: the originals that take their places, as far as the store has them. `stay`:
    nothing is listed, and what was so last goes on. `said`: that, for people.
    """

    back: Mapping[str, bytes]
    stay: bool
    said: str


def unlisted(
    rendering: TreeRendering, claims: Claims, artifacts: ArtifactSource
) -> Unlisted:
    """Judge it by what is kp's and what it replaced."""
    back = {}
    for path, sha256 in claims.originals.items():
        if path not in rendering.files:
            with suppress(NotFound, CorruptState):
                back[path] = checked(artifacts, sha256).read_bytes()
    stay = not rendering.files and stays(claims, back)
    named = "" if rendering.files else ", ".join(claims.originals)
    comes = f"{_NOTHING}: the image's own {named} comes back" if named else ""
    return Unlisted(back, stay, _STAYS if stay else comes)


def stays(claims: Claims, back: Collection[str]) -> bool:
    """Tell whether kp's files stay where nothing is listed."""
    comes = claims.originals and claims.originals.keys() <= {*back}
    return bool(claims.files) and not comes


def with_what_stays(
    tree: Beneath,
    rendering: TreeRendering,
    claims: Claims,
    artifacts: ArtifactSource,
    *,
    insist: Collection[Finding] = (),
) -> TreeRendering:
    """Return a rendering with the objects and modules of what stays.

    Where there are findings to `insist` on, NotFound or CorruptState of an original
    that should come back instead.
    """
    live = read_live(tree)
    if live is None or not unlisted(rendering, claims, artifacts).stay:
        return rendering
    for sha256 in claims.originals.values() if insist else ():
        checked(artifacts, sha256)
    objects = (
        ObjectFile(sha256, live.sizes[path], path)
        for path, sha256 in live.objects.items()
        if sha256 and path in live.sizes
    )
    modules = (
        (release, sha256, _size(artifacts, sha256))
        for release, sha256 in live.modules.items()
        if sha256
    )
    return replace(rendering, objects=tuple(objects), modules=tuple(modules))


def findings(live: LiveTree, claims: Claims) -> Iterator[Finding]:
    """Name what is booted and isn't listed."""
    kind, detail = ("unfinished", _COMES) if claims.originals else ("stays", _STAYS)
    for path in live.files:
        yield Finding(path, kind, detail)


def _size(artifacts: ArtifactSource, sha256: str) -> int:
    with suppress(NotFound):
        return artifacts.path(sha256).stat().st_size
    return 0
