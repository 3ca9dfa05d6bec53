"""What kp keeps where in an image tree.

```
boot/kp/TARGET            identity: site, target, hold
boot/kp/live              the marker, with all that is served; absent: in transition
boot/kp/files             which loader files and module trees are kp's, the digests of
                          what it put there and of the foreign files it replaced
boot/kp/<sha256[:12]>/    one kernel, initrd or hypervisor
lib/modules/<release>/    a module tree: kp's if boot/kp/files says so
```

`tree_records` reads and writes the three small files. OSErrors pass raw.
"""

import hashlib
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Final, Literal, NamedTuple

from kpstore.disk.attributes import fits
from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, Refused
from kpstore.model.names import RELEASE
from kpstore.targets.values import Marker, ObjectFile

HOME: Final = "boot/kp"
IDENTITY: Final = f"{HOME}/TARGET"
LIVE: Final = f"{HOME}/live"
CLAIMS: Final = f"{HOME}/files"
MODULES: Final = "lib/modules"

FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
OBJECT: Final = re.compile(r"boot/kp/([0-9a-f]{12})/[A-Za-z0-9][A-Za-z0-9._+~-]*")
_LOADER_LIMIT = 16 << 20  # bytes of a loader file
_RELEASE = re.compile(RELEASE)


@dataclass(frozen=True)
class TreeRendering:
    """What one commit says of an image tree.

    `files`: loader files by path below the root. `switch` names those that choose
    what boots (grub.cfg, loader.conf); the others are additive. `modules`: release,
    SHA-256 and size in bytes of the modules artifact. `unfit`: why the tree's loader
    would not boot by them.
    """

    marker: Marker
    files: Mapping[str, bytes]
    switch: tuple[str, ...]
    objects: tuple[ObjectFile, ...] = ()
    modules: tuple[tuple[str, str, int], ...] = ()
    unfit: str = ""

    def __post_init__(self) -> None:
        """Refuse what no renderer may ask for, and what one tree can't hold."""
        for each in self.objects:
            found = OBJECT.fullmatch(each.path)
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


@dataclass(frozen=True)
class LiveTree:
    """The marker and what it stands for, each with its SHA-256.

    `sizes` of objects in bytes; `claims` (without files) is a second copy of what
    boot/kp/files says. `idle`: the commit lists nothing; what stands is of an earlier
    one. An older kp wrote none of these.
    """

    marker: Marker
    files: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    claims: Claims = Claims()
    idle: bool = False

    @classmethod
    def of(cls, rendering: TreeRendering, claims: Claims = Claims()) -> "LiveTree":
        """Return what stands when the rendering is live."""
        modules = {release: sha256 for release, sha256, _ in rendering.modules}
        return cls(
            rendering.marker,
            {path: digest(data) for path, data in rendering.files.items()},
            {each.path: each.sha256 for each in rendering.objects},
            modules,
            {each.path: each.size for each in rendering.objects},
            replace(_narrowed(claims, modules), files={}),
        )

    def serves(self, other: "LiveTree | None") -> bool:
        """Tell whether another stands for the same."""
        return other is not None and other == replace(
            self, sizes=other.sizes, claims=other.claims, idle=other.idle
        )

    def claimed(self, on_record: Claims) -> Claims:
        """Return what is kp's: on record, narrowed to what is served."""
        narrow = _narrowed(on_record, self.modules)
        served = {path: (each,) for path, each in self.files.items()}
        return replace(narrow, files={**on_record.files, **served})


class SeenPlace(NamedTuple):
    """What is at a path; `data`: a file's bytes, a link's text.

    `other`: a link, FIFO or device, which a rename replaces; `unreadable`: a file whose
    mode keeps kp out.
    """

    kind: Literal["missing", "file", "other", "unreadable", "directory"]
    data: bytes = b""
    mode: int = 0


MISSING: Final = SeenPlace("missing")


def _narrowed(claims: Claims, served: Mapping[str, str]) -> Claims:
    """Return the claims with the served digest alone of each release that has one."""
    modules = {
        release: (served[release],) if served.get(release) else digests
        for release, digests in claims.modules.items()
    }
    return replace(claims, modules=modules)


def parent(path: str) -> str:
    """Return the folder that a path lies in; empty for the root."""
    return path.rpartition("/")[0]


def folders(paths: Iterable[str]) -> list[str]:
    """Return the folders that lead to loader files, the first ones first.

    Those right in the root are the image's own, and its owner's to mend.
    """
    found = {str(each) for path in paths for each in PurePosixPath(path).parents}
    return sorted(each for each in found if "/" in each)


def place(release: str) -> str:
    """Return where a release's modules belong."""
    return f"{MODULES}/{release}"


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def look(tree: Beneath, path: str) -> SeenPlace:
    """Read a loader file; nothing else is opened, and no last link followed."""
    try:
        mode = tree.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, Refused):
        return MISSING  # Refused: below a link that leads nowhere
    if stat.S_ISREG(mode):
        try:
            right = FILE_MODE if fits(tree, mode, FILE_MODE) else stat.S_IMODE(mode)
            return SeenPlace("file", tree.read(path, _LOADER_LIMIT), right)
        except PermissionError:
            return SeenPlace("unreadable", mode=stat.S_IMODE(mode))
    if stat.S_ISDIR(mode):
        return SeenPlace("directory")
    return SeenPlace(
        "other", os.fsencode(tree.readlink(path)) if stat.S_ISLNK(mode) else b""
    )
