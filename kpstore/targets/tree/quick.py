"""What stands in an image tree: names, kinds, sizes, modes, and loader files' bytes.

`standing` is the one judgement: `quick` asks it of what the marker says that is
served, `tree_verify` of a rendering, and reads all bytes besides.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.errors import Refused
from kpstore.targets.tree import faults, idle, objects
from kpstore.targets.tree.faults import Fault
from kpstore.targets.tree.layout import (
    CLAIMS,
    HOME,
    IDENTITY,
    LIVE,
    MODULES,
    Claims,
    LiveTree,
    digest,
    folders,
    parent,
    place,
)
from kpstore.targets.tree.loader_files import fault_of, look
from kpstore.targets.tree.records import is_there, read_claims, read_identity, read_live
from kpstore.targets.values import Finding

_ADOPT: Final = "`kp target adopt` makes the tree this target again"


def quick(tree: Beneath) -> list[Finding]:
    """Compare with what the marker says that is served, without a rendering."""
    live = read_live(tree)
    nobodys = read_identity(tree) is None
    if nobodys or live is None or not live.files:
        return [*own(tree)]
    claims = live.claimed(read_claims(tree) or live.claims)
    compare = what_stays if live.idle else standing
    return [*own(tree), *compare(tree, live, claims)]


def damage(tree: Beneath) -> list[Finding]:
    """Return what keeps a tree from being judged."""
    judged = {HOME, IDENTITY, LIVE}
    return [e for e in own(tree) if e.path in judged and e.kind != "mode"]


def own(tree: Beneath) -> Iterator[Finding]:
    """Judge kp's folder and the three small files in it."""
    roots = faults.is_roots(tree)
    home = faults.of_folder(tree, faults.look(tree, HOME), roots=roots)
    yield from home.at(HOME)
    identity, live, claims = read_identity(tree), read_live(tree), read_claims(tree)
    if identity is None:
        fault = _record(tree, IDENTITY, is_whole=False, roots=roots)
        said = f"{fault.detail}; {_ADOPT}" if fault.detail else _ADOPT
        yield Finding(IDENTITY, fault.kind, said)
        return  # whoever it is of, no more can be said
    yield from _record(tree, IDENTITY, is_whole=True, roots=roots).at(IDENTITY)
    if live or is_there(tree, LIVE):
        yield from _record(tree, LIVE, is_whole=live is not None, roots=roots).at(LIVE)
    elif claims and claims.files:
        yield Finding(LIVE, "unfinished", "no marker: the tree is in transition")
    if is_there(tree, CLAIMS) or (live and live.files):
        is_whole = claims is not None
        yield from _record(tree, CLAIMS, is_whole=is_whole, roots=roots).at(CLAIMS)


def _record(tree: Beneath, path: str, *, is_whole: bool, roots: bool) -> Fault:
    fault = faults.of_file(tree, faults.look(tree, path), roots=roots)
    if is_whole or fault.kind in {"missing", "changed"}:
        return fault
    return Fault("changed", "it holds something else than kp wrote")


def standing(tree: Beneath, meant: LiveTree, claims: Claims) -> Iterator[Finding]:
    """Compare with what is meant to be served; one judgement for every view."""
    yield from _loader_files(tree, meant, claims, roots=faults.is_roots(tree))
    yield from _named(tree, meant, claims)


def what_stays(tree: Beneath, live: LiveTree, claims: Claims) -> Iterator[Finding]:
    """Compare with what was listed last, where nothing is listed any more.

    Its loader files can't be drawn anew, what they name can.
    """
    yield from idle.findings(live, claims)
    yield from _named(tree, live, claims)


def _named(tree: Beneath, meant: LiveTree, claims: Claims) -> Iterator[Finding]:
    """Compare objects and module trees, and look for strays."""
    roots = faults.is_roots(tree)
    yield from _objects(tree, meant, roots=roots)
    for release in meant.modules:
        own_tree = release in claims.modules
        fault = modules_fault(tree, release, is_own=own_tree, roots=roots)
        yield from fault.at(place(release))
    yield from _strays(tree, meant)


def _loader_files(
    tree: Beneath, meant: LiveTree, claims: Claims, *, roots: bool
) -> Iterator[Finding]:
    for folder in folders(meant.files):
        if faults.is_in_the_way(tree, folder):
            yield Finding(folder, "changed", "the folder of kp's loader files")
    for path, sha256 in meant.files.items():
        seen = look(tree, path)
        if seen.kind == "file" and digest(seen.data) != sha256:
            yield Finding(path, "changed")
        else:
            fault = fault_of(tree, path, roots=roots)
            if seen.kind == "unreadable" and not fault.kind:
                fault = Fault("mode", "kp may not read it")
            yield from fault.at(path)
    for path in sorted({*claims.files} - {*meant.files}):
        seen = look(tree, path)
        # Claimed before the switch, by a writer that was killed: still the image's own.
        is_own = seen.kind == "file" and digest(seen.data) == claims.originals.get(path)
        if not is_own and seen.kind not in {"missing", "directory"}:
            yield Finding(path, "extra", "kp's, and no longer listed")


def _objects(tree: Beneath, meant: LiveTree, *, roots: bool) -> Iterator[Finding]:
    homes = {parent(path) for path in meant.objects}
    kept = {f"{HOME}/{name}" for name in objects.kept(tree)}
    for home in sorted(homes | kept):
        fault = faults.of_folder(tree, faults.look(tree, home), roots=roots)
        if fault.kind != "missing":  # then its objects are
            yield from fault.at(home)
    for path in meant.objects:
        size = meant.sizes.get(path)
        yield from objects.standing(tree, path, size, roots=roots).at(path)


def modules_fault(
    tree: Beneath, release: str, *, is_own: bool, roots: bool = False
) -> Fault:
    """Judge what has the place of a listed release's modules, by its kind.

    A distribution's may be a link that leads to a folder.
    """
    found = faults.look(tree, place(release))
    if found is None:
        return faults.MISSING
    if not tree.is_dir(place(release)):
        return faults.of_folder(tree, found, roots=roots)
    if not tree.names(place(release)):
        return Fault("missing", "its folder is empty")
    return faults.of_folder(tree, found, roots=roots) if is_own else faults.NONE


def _strays(tree: Beneath, meant: LiveTree) -> Iterator[Finding]:
    """Name what is in kp's folders and not kp's, and what a killed process left."""
    kept = {f"{HOME}/{name}" for name in objects.kept(tree)}
    named = {parent(path) for path in meant.objects}
    mine = {IDENTITY, LIVE, CLAIMS, *kept, *meant.objects}
    loaders = {parent(path) for path in meant.files}
    for directory in sorted({HOME, MODULES, *kept, *named, *loaders}):
        for path in _names(tree, directory):
            if path.startswith(f"{directory}/{TEMP_PREFIX}"):
                yield Finding(path, "unfinished", "a temporary file")
            elif directory in {HOME, *named} and path not in mine:
                yield Finding(path, "foreign")


def _names(tree: Beneath, directory: str) -> list[str]:
    with suppress(FileNotFoundError, NotADirectoryError, Refused):
        return [f"{directory}/{name}" for name in tree.names(directory)]
    return []
