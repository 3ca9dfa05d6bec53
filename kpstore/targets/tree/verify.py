"""What in an image tree differs from its commit."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.targets.tree import modules, objects
from kpstore.targets.tree.layout import (
    HOME,
    LIVE,
    Claims,
    LiveTree,
    TreeRendering,
    digest,
    place,
)
from kpstore.targets.tree.loader_files import look
from kpstore.targets.tree.quick import own, standing, what_stays
from kpstore.targets.tree.records import read_live
from kpstore.targets.values import ArtifactSource, Finding

_NOT_LISTED: Final = "kp's and no longer listed; what someone else did in it stays"


def verify(tree: Beneath, rendering: TreeRendering, claims: Claims) -> list[Finding]:
    """Compare what a look tells; the bytes are for `read`."""
    found = [*own(tree)]
    live = read_live(tree)
    told = {each.path for each in found}
    if live and live.idle and not rendering.files:
        found += what_stays(tree, live, claims)
    elif rendering.files or live:
        found += (each for each in _marker(live, rendering) if each.path not in told)
        found += standing(tree, LiveTree.of(rendering), claims)
    if rendering.unfit:
        found += (Finding(p, "changed", rendering.unfit) for p in rendering.switch)
    return [*dict.fromkeys(found)]


def _marker(live: LiveTree | None, rendering: TreeRendering) -> Iterator[Finding]:
    if live is None:
        yield Finding(LIVE, "unfinished", "no marker: the tree is in transition")
    elif not LiveTree.of(rendering).serves(live):
        yield Finding(LIVE, "changed")


def read(
    tree: Beneath,
    rendering: TreeRendering,
    artifacts: ArtifactSource,
    claims: Claims,
    image: str,
) -> Iterator[Finding]:
    """Compare every byte of objects and module trees; of an image, to name it."""
    for each in rendering.objects:
        seen = objects.standing(tree, each.path, each.size, roots=False).kind
        if seen not in {"missing", "changed"} and objects.differs(tree, each):
            yield Finding(each.path, "changed")
    named = {each.path.split("/")[2] for each in rendering.objects}
    for name in objects.kept(tree):
        if name not in named and not objects.intact(tree, name):
            yield Finding(f"{HOME}/{name}", "changed", "kept for a rollback")
    for wanted in rendering.modules:
        is_own = wanted[0] in claims.modules
        found = modules.differences(tree, wanted, artifacts, is_own=is_own)
        for finding in found:
            way = f"kp kernel add {image} --installed {wanted[0]} --replace"
            told = f"{finding.detail}: `{way}` takes it in"
            kept = finding.kind == "kept"
            yield replace(finding, detail=told) if kept else finding
    yield from _kept_modules(tree, rendering, claims)


def _kept_modules(
    tree: Beneath, rendering: TreeRendering, claims: Claims
) -> Iterator[Finding]:
    """Name module trees of kp's that aren't listed and that others changed."""
    listed = {release for release, _, _ in rendering.modules}
    for release, digests in claims.modules.items():
        if release in listed or not modules.exists(tree, release):
            continue
        if modules.content(tree, release, digests) not in digests:
            yield Finding(place(release), "kept", _NOT_LISTED)


def as_drawn(
    tree: Beneath, rendering: TreeRendering, live: LiveTree
) -> TreeRendering | None:
    """Return a rendering with the loader files that are live in place of its own.

    For what another version of kp drew: held against its own digests. None where they
    aren't as the marker says: then they can't be drawn as they were.
    """
    if not rendering.files:
        return rendering
    seen = {path: look(tree, path) for path in live.files}
    if any(
        each.kind != "file" or digest(each.data) != live.files[path]
        for path, each in seen.items()
    ):
        return None
    return replace(
        rendering,
        files={path: each.data for path, each in seen.items()},
        switch=tuple(path for path in rendering.switch if path in seen),
    )
