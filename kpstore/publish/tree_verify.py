"""What in an image tree differs from its commit."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.publish import tree_modules, tree_objects
from kpstore.publish.target import Artifacts, Finding
from kpstore.publish.tree_layout import (
    CLAIMS,
    FILE_MODE,
    HOME,
    IDENTITY,
    LIVE,
    MODULES,
    Live,
    Seen,
    TreeRendering,
    look,
    read_live,
)
from kpstore.publish.tree_survey import known_claims

_NOT_LISTED: Final = "kp's and no longer listed; what someone else did in it stays"


def verify(
    tree: Beneath, rendering: TreeRendering, artifacts: Artifacts, *, deep: bool
) -> list[Finding]:
    """Compare; `deep` reads every byte of objects and module trees too."""
    if not rendering.files:
        return []
    live = read_live(tree)
    return [
        *_marker(live, rendering),
        *_loader_files(tree, rendering, live),
        *_objects(tree, rendering, deep=deep),
        *_modules(tree, rendering, artifacts, deep=deep),
        *(_kept_modules(tree, rendering, live) if deep else ()),
        *_strays(tree, rendering),
    ]


def _marker(live: Live | None, rendering: TreeRendering) -> Iterator[Finding]:
    if live is None:
        yield Finding(LIVE, "unfinished", "no marker: the tree is in transition")
    elif live != Live.of(rendering):
        yield Finding(LIVE, "changed")


def _loader_files(
    tree: Beneath, rendering: TreeRendering, live: Live | None
) -> Iterator[Finding]:
    for path, data in rendering.files.items():
        if kind := _difference(look(tree, path), data):
            yield Finding(path, kind)
    for path in known_claims(tree, live).files:
        if path not in rendering.files and look(tree, path).kind != "missing":
            yield Finding(path, "extra", "kp's, and no longer listed")


def _difference(seen: Seen, data: bytes) -> str:
    if seen.kind == "missing":
        return "missing"
    if seen.kind != "file" or seen.data != data:
        return "changed"
    return "mode" if seen.mode != FILE_MODE else ""


def _objects(
    tree: Beneath, rendering: TreeRendering, *, deep: bool
) -> Iterator[Finding]:
    for each in rendering.objects:
        if kind := tree_objects.fault(tree, each, deep=deep):
            yield Finding(each.path, kind)
    named = {each.path.split("/")[2] for each in rendering.objects}
    for name in tree_objects.kept(tree):
        if deep and name not in named and not tree_objects.intact(tree, name):
            yield Finding(f"{HOME}/{name}", "changed", "kept for a rollback")


def _modules(
    tree: Beneath, rendering: TreeRendering, artifacts: Artifacts, *, deep: bool
) -> Iterator[Finding]:
    for release, sha256, _ in rendering.modules:
        if deep:
            yield from tree_modules.differences(tree, release, sha256, artifacts)
        elif not tree_modules.exists(tree, release):
            yield Finding(tree_modules.place(release), "missing")


def _kept_modules(
    tree: Beneath, rendering: TreeRendering, live: Live | None
) -> Iterator[Finding]:
    """Name module trees of kp's that aren't listed and that others changed."""
    listed = {release for release, _, _ in rendering.modules}
    for release, digests in known_claims(tree, live).modules.items():
        if release in listed or not tree_modules.exists(tree, release):
            continue
        if tree_modules.content(tree, release) not in digests:
            yield Finding(tree_modules.place(release), "changed", _NOT_LISTED)


def _strays(tree: Beneath, rendering: TreeRendering) -> Iterator[Finding]:
    """Name what is in kp's folders and not kp's, and what a killed process left."""
    kept = {f"{HOME}/{name}" for name in tree_objects.kept(tree)}
    objects = {each.path for each in rendering.objects}
    named = {_parent(path) for path in objects}
    own = {IDENTITY, LIVE, CLAIMS, *kept, *objects}
    loaders = {_parent(path) for path in rendering.files}
    for directory in sorted({HOME, MODULES, *kept, *named, *loaders}):
        for path in _names(tree, directory):
            if path.startswith(f"{directory}/{TEMP_PREFIX}"):
                yield Finding(path, "unfinished", "a temporary file")
            elif directory in {HOME, *named} and path not in own:
                yield Finding(path, "foreign")


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _names(tree: Beneath, directory: str) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return [f"{directory}/{name}" for name in tree.names(directory)]
    return []
