"""What a rendering would change in an image tree, and whose those files are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.targets.tree.layout import (
    FILE_MODE,
    Claims,
    LiveTree,
    SeenPlace,
    TreeRendering,
    digest,
)
from kpstore.targets.tree.loader_files import blocks, look
from kpstore.targets.tree.records import read_claims


@dataclass(frozen=True)
class Survey:
    """The loader files that differ from a rendering.

    `write` in the order of the switch: additive ones first. `remove`: kp's own that
    are no longer rendered; those that have an original are replaced by it, `back`.
    `foreign`: files of others that `write` would replace; `displaced`: kp's own that
    someone else changed since, with what they hold now (a link its text).
    `claims`: what must be on record before the first change.
    """

    write: tuple[str, ...]
    remove: tuple[str, ...]
    foreign: Mapping[str, bytes]
    displaced: Mapping[str, bytes]
    claims: Claims
    back: Mapping[str, bytes] = field(default_factory=dict)

    def settled(self, claims: Claims) -> Claims:
        """Return what of the claims is kp's once all is done: what came back is not."""
        if not self.back:
            return claims
        gone = {*self.back, *self.remove}
        files = {path: of for path, of in claims.files.items() if path not in gone}
        kept = {p: of for p, of in claims.originals.items() if p not in self.back}
        return replace(claims, files=files, originals=kept)


def survey(
    tree: Beneath,
    rendering: TreeRendering,
    claims: Claims,
    originals: Mapping[str, bytes] = {},
) -> Survey:
    """Compare; nothing is written. Refused where a folder has a file's place.

    `originals`: the bytes of those that can come back, by path.
    """
    places = (*rendering.files, *claims.files, *originals)
    seen = {path: look(tree, path) for path in places}
    back = {
        path: data
        for path, data in originals.items()
        if path in claims.files or seen[path].kind == "missing"
    }
    meant = {**back, **rendering.files}
    changing = [
        path
        for path, data in meant.items()
        if seen[path] != SeenPlace("file", data, FILE_MODE)
    ]
    unknown = _unknown(changing, meant, seen, claims)
    foreign = {
        path: data
        for path, data in unknown.items()
        if path not in claims.files and not _same_header(data, meant[path])
    }
    write = {*changing} & rendering.files.keys()
    return Survey(
        write=tuple(sorted(write, key=lambda path: (path in rendering.switch, path))),
        remove=tuple(
            path
            for path, digests in sorted(claims.files.items(), reverse=True)
            if path not in meant and is_kps(seen[path], digests)
        ),
        foreign=foreign,
        displaced={p: data for p, data in unknown.items() if p not in foreign},
        claims=replace(
            _extended(claims, rendering, seen, foreign),
            made=tuple(sorted({*claims.made, *_missing_parents(tree, rendering)})),
        ),
        back=back,
    )


def known_claims(
    tree: Beneath, live: LiveTree | None, originals: Mapping[str, str] = {}
) -> Claims:
    """Return what is kp's: on record, narrowed by the marker where there is one.

    Where the record is lost or damaged, what the marker knows of it, and `originals`:
    those that were remembered elsewhere.
    """
    claims = read_claims(tree)
    if claims is None:
        claims = live.claims if live else Claims()
        known = {**originals, **claims.originals}
        claims = replace(claims, files=dict.fromkeys(known, ()), originals=known)
    return live.claimed(claims) if live else claims


def is_kps(seen: SeenPlace, digests: Collection[str]) -> bool:
    """Tell a file that holds what kp wrote there."""
    return seen.kind == "file" and digest(seen.data) in digests


def _unknown(
    write: list[str],
    meant: Mapping[str, bytes],
    seen: Mapping[str, SeenPlace],
    claims: Claims,
) -> dict[str, bytes]:
    """Return the bytes that kp would replace and did not write."""
    unknown = {}
    for path in write:
        kind = seen[path].kind
        if kind in ("directory", "unreadable") or (
            kind == "other" and path not in claims.files
        ):
            what = "can't be read" if kind == "unreadable" else "is not a regular file"
            raise Refused(
                f"{path} in the image {what}",
                hint="`kp publish` moves kp's own aside; else remove it by hand",
            )
        known = {digest(meant[path]), *claims.files.get(path, ())}
        known.add(claims.originals.get(path, ""))
        if seen[path].kind != "missing" and not is_kps(seen[path], known):
            unknown[path] = seen[path].data
    return unknown


def _extended(
    claims: Claims,
    rendering: TreeRendering,
    seen: Mapping[str, SeenPlace],
    foreign: Mapping[str, bytes],
) -> Claims:
    """Claim what will be written; forget what is gone and stays so."""
    files = {
        path: digests
        for path, digests in claims.files.items()
        if path in rendering.files or seen[path].kind != "missing"
    }
    for path, data in rendering.files.items():
        files[path] = tuple(sorted({*files.get(path, ()), digest(data)}))
    originals = {path: digest(data) for path, data in foreign.items()}
    return replace(claims, files=files, originals={**claims.originals, **originals})


def _missing_parents(tree: Beneath, rendering: TreeRendering) -> set[str]:
    parents = {
        str(parent)
        for path in rendering.files
        for parent in PurePosixPath(path).parents[:-1]
    }
    lacks = {block for block in blocks(rendering.files) if not tree.exists(block)}
    return lacks | {parent for parent in parents if not tree.is_dir(parent)}


def _same_header(found: bytes, ours: bytes) -> bool:
    """Tell a file of kp's (of another site, or whose record is lost) by line one."""
    line = ours.split(b"\n", 1)[0]
    return b"kp" in line and found.split(b"\n", 1)[0] == line
