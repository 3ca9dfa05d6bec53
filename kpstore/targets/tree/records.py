"""The three small files that kp keeps in an image tree: TARGET, live and files.

JSON, with a seal: `sha256` of the rest as kp writes it, so that no flipped bit passes
for another word. What an older kp wrote has none and is read as well.

Whoever is root in the image can write these files too, so they are read as any other
foreign text: what doesn't parse, what is sealed wrong and what is no regular file is
not there, and a path, release or digest that kp could not have written is left out.
OSErrors pass raw.
"""

import json
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.model.names import RELEASE
from kpstore.targets.tree.layout import (
    CLAIMS,
    HOME,
    IDENTITY,
    LIVE,
    OBJECT,
    Claims,
    LiveTree,
    digest,
)
from kpstore.targets.values import Identity, Marker

_LIMIT: Final = 4 << 20  # bytes of one of these files
_SEAL: Final = "sha256"
_UNSEALED: Final = {  # the keys of an older kp
    IDENTITY: {"site", "target", "hold"},
    LIVE: {"site", "commit", "revision", "inputs", "files", "objects", "modules"},
    CLAIMS: {"files", "modules", "originals", "made"},
}
_RELEASE: Final = re.compile(RELEASE)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class _Record(NamedTuple):
    """A file's document; None: missing, or not as kp writes it."""

    there: bool
    document: dict[str, Any] | None = None


def read_identity(tree: Beneath) -> Identity | None:
    """Read whose target this is; None where no target was made, or nobody can tell."""
    match _read(tree, IDENTITY).document:
        case {"site": str(site), "target": str(target), "hold": str(hold)}:
            if all(map(_is_text, (site, target, hold))):
                return Identity(site, target, hold)
    return None


def write_identity(tree: Beneath, identity: Identity) -> None:
    """Write the identity, durably."""
    tree.makedirs(HOME)
    document = {
        "site": identity.site,
        "target": identity.target,
        "hold": identity.hold,
    }
    tree.write(IDENTITY, _sealed(document))


def read_live(tree: Beneath) -> LiveTree | None:
    """Read what is served; None in transition, and before the first publish."""
    found = _read(tree, LIVE).document or {}
    match found:
        case {"site": str(site), "commit": str(commit), "revision": int(revision)}:
            if not (_is_text(site) and _is_text(commit)) or revision is True:
                return None
            return LiveTree(
                _marker(site, commit, revision, found),
                _strings(found, "files", _is_loader, _is_digest),
                _strings(found, "objects", _is_object, _is_digest),
                _strings(found, "modules", _is_release, _is_digest),
                _sizes(found),
                _claims(_mapping(found, "claims")),
                found.get("idle") is True,
            )
    return None


def write_live(tree: Beneath, live: LiveTree) -> None:
    """Write the marker, durably."""
    document = {
        "site": live.marker.site,
        "commit": live.marker.commit,
        "revision": live.marker.revision,
        "inputs": dict(live.marker.inputs),
        "files": dict(live.files),
        "objects": dict(live.objects),
        "modules": dict(live.modules),
    }
    more = {
        "sizes": dict(live.sizes),
        "claims": _claimed(live.claims),
        "idle": live.idle,
        "renderer": live.marker.renderer,
    }
    set_ones = {key: each for key, each in more.items() if each}
    tree.write(LIVE, _sealed(document | set_ones))


def _marker(site: str, commit: str, revision: int, found: dict[str, Any]) -> Marker:
    drawn = found.get("renderer")
    by = drawn if isinstance(drawn, str) and _is_text(drawn) else ""
    return Marker(site, commit, revision, _strings(found, "inputs", _is_text), by)


def read_claims(tree: Beneath) -> Claims | None:
    """Read what is kp's; None where that is not on record, or can't be read."""
    found = _read(tree, CLAIMS).document
    return None if found is None else _claims(found)


def write_claims(tree: Beneath, claims: Claims) -> None:
    """Write what is kp's, durably."""
    every = {"files": {}, "modules": {}, "originals": {}, "made": list[str]()}
    tree.write(CLAIMS, _sealed(every | _claimed(claims)))


def is_unfinished(tree: Beneath) -> bool:
    """Tell whether a switch began and did not end: what is kp's, and no marker."""
    claims = read_claims(tree)
    return claims is not None and bool(claims.files) and read_live(tree) is None


def is_there(tree: Beneath, path: str) -> bool:
    """Tell whether one of the three has its name, whatever it is."""
    return _read(tree, path).there


def _read(tree: Beneath, path: str) -> _Record:
    try:
        if not stat.S_ISREG(tree.stat(path).st_mode):
            return _Record(there=True)
        return _Record(True, _document(tree.read(path, _LIMIT), _UNSEALED[path]))
    except (FileNotFoundError, NotADirectoryError):
        return _Record(there=False)
    except (Refused, PermissionError):  # too long, its folder a lost link, a mode
        return _Record(there=True)


def _document(data: bytes, unsealed: set[str]) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
        if not isinstance(found, dict):
            return None
        seal = found.pop(_SEAL, None)
        whole = seal == digest(_written(found)) if seal else found.keys() <= unsealed
    except (ValueError, RecursionError):  # not JSON, not text, an attack
        return None
    return found if whole else None


def _sealed(document: dict[str, Any]) -> bytes:
    return _written({**document, _SEAL: digest(_written(document))})


def _written(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _claims(document: Mapping[str, Any]) -> Claims:
    made = document.get("made")
    return Claims(
        _lists(document, "files", _is_loader),
        _lists(document, "modules", _is_release),
        _strings(document, "originals", _is_loader, _is_sha256),
        tuple(filter(_is_path, made)) if isinstance(made, list) else (),
    )


def _claimed(claims: Claims) -> dict[str, Any]:
    """Return what there is of claims, as it is written."""
    document = {
        "files": {path: sorted(each) for path, each in claims.files.items()},
        "modules": {name: sorted(each) for name, each in claims.modules.items()},
        "originals": dict(claims.originals),
        "made": list(claims.made),
    }
    return {key: each for key, each in document.items() if each}


# --- what kp could have written


def _is_text(found: object) -> bool:
    """Tell text that can be written: JSON knows halves of characters."""
    try:
        return isinstance(found, str) and found.encode() is not None
    except UnicodeEncodeError:
        return False


def _is_path(found: object) -> bool:
    """Tell a path below the root."""
    if not isinstance(found, str) or not _is_text(found) or "\0" in found:
        return False
    return not {"", ".", ".."} & {*found.split("/")}


def _is_loader(found: object) -> bool:
    """Tell where a loader file may be: in a folder of /boot or an ESP, not kp's own."""
    if not isinstance(found, str) or not _is_path(found):
        return False
    boot, _, below = found.partition("/")
    return boot in {"boot", "efi"} and "/" in below and not found.startswith(f"{HOME}/")


def _is_object(found: object) -> bool:
    return isinstance(found, str) and bool(OBJECT.fullmatch(found))


def _is_release(found: object) -> bool:
    return isinstance(found, str) and bool(_RELEASE.fullmatch(found))


def _is_sha256(found: object) -> bool:
    return isinstance(found, str) and bool(_SHA256.fullmatch(found))


def _is_digest(found: object) -> bool:
    """Tell a SHA-256, or '' where nobody knew it: see `tree_stage`."""
    return found == "" or _is_sha256(found)


_Check = Callable[[object], bool]


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def _strings(
    document: Mapping[str, Any], key: str, name: _Check, text: _Check = _is_text
) -> dict[str, str]:
    return {k: v for k, v in _mapping(document, key).items() if name(k) and text(v)}


def _lists(
    document: Mapping[str, Any], key: str, name: _Check
) -> dict[str, tuple[str, ...]]:
    return {
        each: tuple(filter(_is_sha256, texts))
        for each, texts in _mapping(document, key).items()
        if name(each) and isinstance(texts, list)
    }


def _sizes(document: Mapping[str, Any]) -> dict[str, int]:
    return {
        path: size
        for path, size in _mapping(document, "sizes").items()
        if _is_object(path) and type(size) is int
    }
