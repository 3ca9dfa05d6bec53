"""Taking things out of an image tree: what is no longer kept, and the target."""

import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.targets.tree import faults, modules, objects
from kpstore.targets.tree.layout import (
    CLAIMS,
    HOME,
    IDENTITY,
    LIVE,
    Claims,
    LiveTree,
    digest,
    place,
)
from kpstore.targets.tree.loader_files import look, put, take, take_if_empty
from kpstore.targets.tree.records import (
    read_claims,
    read_live,
    write_claims,
    write_live,
)
from kpstore.targets.tree.stage import sweep_temporaries
from kpstore.targets.tree.survey import is_kps, known_claims
from kpstore.targets.values import Finding


def sweep(
    tree: Beneath, keep_objects: Collection[str], keep_releases: Collection[str]
) -> list[str]:
    """Remove what is neither kept nor served; return the paths that went.

    In transition, or with nothing on record, nobody can say what is listed: then only
    temps go. A module tree that others changed stays: `verify` names it.
    """
    claims, live = read_claims(tree), read_live(tree)
    gone = sweep_temporaries(tree, claims.files if claims else ())
    if live is None and (claims is None or claims.files):
        return gone
    served = {path.split("/")[2] for path in live.objects} if live else set()
    for name in objects.kept(tree):
        if name not in {*keep_objects, *served}:
            tree.remove_tree(f"{HOME}/{name}")
            gone.append(f"{HOME}/{name}")
    if claims:
        kept = {*keep_releases, *(live.modules if live else ())}
        gone += _sweep_modules(tree, claims, live, {*claims.modules} - kept)
    return gone


def remove(
    tree: Beneath, originals: Mapping[str, bytes], remembered: Mapping[str, str]
) -> list[Finding]:
    """Take out all that kp put in, and put the foreign files back; idempotent.

    Returns what stays because others changed it. Raises NotFound, with nothing
    changed, when an original is not given.
    """
    if not tree.is_dir(HOME):
        return []
    claims = known_claims(tree, read_live(tree), remembered)
    backs = dict(_to_put_back(tree, claims, originals))
    _take(tree, LIVE)
    sweep_temporaries(tree, claims.files)
    for path, data in backs.items():
        put(tree, path, data)
    left = [*_remove_files(tree, claims), *_remove_modules(tree, claims)]
    for name in objects.kept(tree):
        tree.remove_tree(f"{HOME}/{name}")
    for made in sorted(claims.made, reverse=True):
        take_if_empty(tree, made)
        remove_if_empty(tree, made)
    for path in (CLAIMS, IDENTITY):  # last: a killed removal is begun again
        _take(tree, path)
    remove_if_empty(tree, HOME)
    return left


def _take(tree: Beneath, path: str) -> None:
    """Remove one of kp's own files, or the folder that somebody put there."""
    (tree.remove_tree if tree.is_dir(path) else tree.remove)(path)


def remove_if_empty(tree: Beneath, directory: str) -> None:
    """Remove a directory if it is there and nothing is in it; a link to one stays."""
    found = faults.look(tree, directory)
    if found and stat.S_ISDIR(found.st_mode) and not tree.names(directory):
        tree.remove_directory(directory)


def _sweep_modules(
    tree: Beneath, claims: Claims, live: LiveTree | None, releases: Collection[str]
) -> list[str]:
    gone = [each for each in sorted(releases) if _remove_release(tree, each, claims)]
    if gone:
        write_claims(tree, _without(claims, gone))
    if gone and live and live.claims.modules:
        write_live(tree, replace(live, claims=_without(live.claims, gone)))
    return [place(each) for each in gone]


def _without(claims: Claims, gone: Collection[str]) -> Claims:
    kept = {each: of for each, of in claims.modules.items() if each not in gone}
    return replace(claims, modules=kept)


def _remove_release(tree: Beneath, release: str, claims: Claims) -> bool:
    """Remove kp's module tree; False if it holds what others put there."""
    if not modules.exists(tree, release):
        return True
    own = claims.modules[release]
    if modules.content(tree, release, own) not in own:
        return False
    tree.remove_tree(place(release))
    return True


def _to_put_back(
    tree: Beneath, claims: Claims, originals: Mapping[str, bytes]
) -> Iterator[tuple[str, bytes]]:
    for path, sha256 in claims.originals.items():
        if is_kps(seen := look(tree, path), [sha256]):
            continue  # put back by an earlier attempt
        if path not in originals or digest(originals[path]) != sha256:
            raise NotFound(
                f"the original {path} (artifact {sha256}) is not given",
                hint="kp's file stays there, with all that it lists",
            )
        if seen.kind == "missing" or is_kps(seen, claims.files.get(path, ())):
            yield path, originals[path]


def _remove_files(tree: Beneath, claims: Claims) -> Iterator[Finding]:
    for path, digests in sorted(claims.files.items(), reverse=True):
        seen = look(tree, path)
        if seen.kind == "missing" or is_kps(seen, [claims.originals.get(path, "")]):
            continue
        if is_kps(seen, digests):
            take(tree, path)
        else:
            original = claims.originals.get(path)
            more = f"; the original is kept as artifact {original}" if original else ""
            yield Finding(path, "changed", f"kept: someone else wrote it{more}")


def _remove_modules(tree: Beneath, claims: Claims) -> Iterator[Finding]:
    for release in claims.modules:
        if not _remove_release(tree, release, claims):
            detail = "kept: someone else changed it"
            yield Finding(place(release), "changed", detail)
