"""What kp keeps where in an image tree, and its own small files there.

```
boot/kp/TARGET            identity: site, target, hold
boot/kp/live              the marker, with all that is served; absent: in transition
boot/kp/files             which loader files and module trees are kp's, the digests of
                          what it put there and of the foreign files it replaced
boot/kp/<sha256[:12]>/    one kernel, initrd or hypervisor
lib/modules/<release>/    a module tree: kp's if boot/kp/files says so
```

Whoever is root in the image can write these files too, so they are read as any
other foreign text: what doesn't parse is not there. OSErrors pass raw.
"""

import hashlib
import json
import os
import re
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, Refused
from kpstore.model.names import RELEASE
from kpstore.publish.target import Identity, Marker, ObjectFile

HOME: Final = "boot/kp"
IDENTITY: Final = f"{HOME}/TARGET"
LIVE: Final = f"{HOME}/live"
CLAIMS: Final = f"{HOME}/files"
MODULES: Final = "lib/modules"

FILE_MODE: Final = 0o644
_OWN_LIMIT = 4 << 20  # bytes of a file of kp's own
_LOADER_LIMIT = 16 << 20  # bytes of a loader file
_OBJECT = re.compile(r"boot/kp/([0-9a-f]{12})/[A-Za-z0-9][A-Za-z0-9._+~-]*")
_RELEASE = re.compile(RELEASE)


@dataclass(frozen=True)
class TreeRendering:
    """What one commit says of an image tree.

    `files`: loader files by path below the root. `switch` names those that choose
    what boots (grub.cfg, loader.conf); the others are additive. `modules`: release,
    SHA-256 and size in bytes of the modules artifact.
    """

    marker: Marker
    files: Mapping[str, bytes]
    switch: tuple[str, ...]
    objects: tuple[ObjectFile, ...] = ()
    modules: tuple[tuple[str, str, int], ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no renderer may ask for, and what one tree can't hold."""
        for each in self.objects:
            found = _OBJECT.fullmatch(each.path)
            if not found or not each.sha256.startswith(found[1]):
                raise InvalidInput(f"{each.path!r} is no place for {each.sha256}")
        for release, count in Counter(each[0] for each in self.modules).items():
            if not _RELEASE.fullmatch(release):
                raise InvalidInput(f"{release!r} is not a kernel release")
            if count > 1:
                raise Refused(
                    f"two listed kernels of the release {release} have different "
                    "modules, and a tree has one place for them",
                    hint="take one entry off the disk, or build one kernel with "
                    "another CONFIG_LOCALVERSION",
                )
        if strays := set(self.switch) - set(self.files):
            raise InvalidInput(f"the switch {sorted(strays)} is not rendered")


@dataclass(frozen=True)
class Live:
    """The marker and what it stands for, each with its SHA-256."""

    marker: Marker
    files: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rendering: TreeRendering) -> "Live":
        """Return what stands when the rendering is live."""
        return cls(
            rendering.marker,
            {path: digest(data) for path, data in rendering.files.items()},
            {each.path: each.sha256 for each in rendering.objects},
            {release: sha256 for release, sha256, _ in rendering.modules},
        )


@dataclass(frozen=True)
class Claims:
    """What is kp's beside its own folder: digests of all that it may have put there.

    Written before the first change, so it holds what was live and what is to be.
    `files` by path, `modules` by release; `originals` are the foreign files that
    kp replaced, `made` the directories that it made for its own.
    """

    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    originals: Mapping[str, str] = field(default_factory=dict)
    made: tuple[str, ...] = ()


class Seen(NamedTuple):
    """What is at a path; `data`: a file's bytes, a link's text.

    `other`: a link, FIFO or device, which a rename replaces.
    """

    kind: Literal["missing", "file", "other", "directory"]
    data: bytes = b""
    mode: int = 0


MISSING: Final = Seen("missing")


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def look(tree: Beneath, path: str) -> Seen:
    """Read a loader file; nothing else is opened, and no last link followed."""
    try:
        mode = tree.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    if stat.S_ISREG(mode):
        return Seen("file", tree.read(path, _LOADER_LIMIT), stat.S_IMODE(mode))
    if stat.S_ISDIR(mode):
        return Seen("directory")
    return Seen(
        "other", os.fsencode(tree.readlink(path)) if stat.S_ISLNK(mode) else b""
    )


def read_identity(tree: Beneath) -> Identity | None:
    """Read whose target this is; None where no target was made."""
    found = _read(tree, IDENTITY)
    match found:
        case {"site": str(site), "target": str(target), "hold": str(hold)}:
            return Identity(site, target, hold)
    return None


def write_identity(tree: Beneath, identity: Identity) -> None:
    """Write the identity, durably."""
    tree.makedirs(HOME)
    tree.write(
        IDENTITY,
        _written(
            {"site": identity.site, "target": identity.target, "hold": identity.hold}
        ),
    )


def read_live(tree: Beneath) -> Live | None:
    """Read what is served; None in transition, and before the first publish."""
    found = _read(tree, LIVE)
    match found:
        case {"site": str(site), "commit": str(commit), "revision": int(revision)}:
            marker = Marker(site, commit, revision, _strings(found, "inputs"))
            return Live(
                marker,
                *(_strings(found, key) for key in ("files", "objects", "modules")),
            )
    return None


def write_live(tree: Beneath, live: Live) -> None:
    """Write the marker, durably."""
    tree.write(
        LIVE,
        _written(
            {
                "site": live.marker.site,
                "commit": live.marker.commit,
                "revision": live.marker.revision,
                "inputs": dict(live.marker.inputs),
                "files": dict(live.files),
                "objects": dict(live.objects),
                "modules": dict(live.modules),
            }
        ),
    )


def read_claims(tree: Beneath) -> Claims:
    """Read what is kp's."""
    found = _read(tree, CLAIMS)
    return Claims(
        _lists(found, "files"),
        _lists(found, "modules"),
        _strings(found, "originals"),
        _lists({"made": {"": found.get("made")}}, "made").get("", ()),
    )


def write_claims(tree: Beneath, claims: Claims) -> None:
    """Write what is kp's, durably."""
    document = {
        "files": {path: sorted(each) for path, each in claims.files.items()},
        "modules": {name: sorted(each) for name, each in claims.modules.items()},
        "originals": dict(claims.originals),
        "made": list(claims.made),
    }
    tree.write(CLAIMS, _written(document))


def _read(tree: Beneath, path: str) -> dict[str, Any]:
    try:
        found = json.loads(tree.read(path, _OWN_LIMIT))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (Refused, ValueError, RecursionError):  # not a file, not JSON, an attack
        return {}
    return found if isinstance(found, dict) else {}


def _written(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _strings(document: Mapping[str, Any], key: str) -> dict[str, str]:
    found = document.get(key)
    return {
        name: text
        for name, text in (found.items() if isinstance(found, dict) else ())
        if isinstance(text, str)
    }


def _lists(document: Mapping[str, Any], key: str) -> dict[str, tuple[str, ...]]:
    found = document.get(key)
    return {
        name: tuple(one for one in texts if isinstance(one, str))
        for name, texts in (found.items() if isinstance(found, dict) else ())
        if isinstance(texts, list)
    }
