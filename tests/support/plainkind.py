"""A kind of target that lives in tests alone: a directory of plain files.

```
TARGET                    whose it is
generations/<r>-<commit>/ one commit: MARKER, and for each node NODE.boot, a text with
                          kernel, initrds and command line
kernels/<sha256>          what the texts name
live                      a link to what is served: the switch
```

It fulfils `kpstore.targets.contract` and knows nothing of kp's own kinds. `plain_kind`
puts it into the registries and the word list.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from kpstore.disk.durable import remove_tree, replace_link, write_file
from kpstore.errors import NotFound, Refused
from kpstore.model import documents, vocabulary
from kpstore.model.boot import Boot, resolve
from kpstore.model.moves import Moves
from kpstore.targets.artifacts import checked
from kpstore.targets.contract import Request, Target
from kpstore.targets.desired import Desired
from kpstore.targets.keep import Keep
from kpstore.targets.observers import OBSERVERS
from kpstore.targets.registry import KINDS
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import (
    NO_LEEWAY,
    ArtifactSource,
    FilePlan,
    Finding,
    Held,
    Identity,
    Leeway,
    Look,
    Marker,
)
from support.states import command_line

NAME = "plain"


@dataclass(frozen=True)
class Pages:
    """A commit, rendered: texts by file name, and the SHA-256s that they name."""

    marker: Marker
    files: Mapping[str, bytes]
    kernels: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the name of its generation."""
        return f"{self.marker.revision:06}-{self.marker.commit[:12]}"


def render(_: TargetSpec, desired: Desired) -> Pages:
    """Render all nodes, whatever moved."""
    files: dict[str, bytes] = {}
    kernels: set[str] = set()
    census = desired.census()
    for template in census.templates():
        with suppress(NotFound):
            boot = resolve(desired.state, template)
            if boot is None or boot.method == "local":
                continue
            refs = boot.kernel.artifacts.vmlinuz, *boot.kernel.artifacts.initrd
            kernels |= {ref.sha256 for ref in refs}
            named = "".join(f"kernels/{ref.sha256}\n" for ref in refs)
            for name in census.nodes_of(template):
                line = command_line(boot, desired.state.node(name))
                files[f"{name}.boot"] = f"{named}{line}\n".encode()
    return Pages(desired.marker, files, tuple(sorted(kernels)))


class PlainTarget:
    """One directory."""

    by_stamps = False
    reserve = None
    folders = ()

    def __init__(
        self, root: Path, target: str, site: str, artifacts: ArtifactSource
    ) -> None:
        self.root = root
        self._identity = Identity(site, target)
        self._artifacts = artifacts
        self._made = False

    # --- looking

    def identity(self) -> Identity | None:
        with suppress(OSError, ValueError, TypeError):
            return Identity(**json.loads((self.root / "TARGET").read_bytes()))
        return None

    def marker(self) -> Marker | None:
        with suppress(OSError, ValueError, TypeError):
            return Marker(**json.loads((self._live / "MARKER").read_bytes())["marker"])
        return None

    def unfinished(self) -> bool:
        return False

    def damage(self) -> list[Finding]:
        there = (self.root / "TARGET").exists()
        lost = there and self.identity() is None
        return [Finding("TARGET", "changed", "kp target adopt")] if lost else []

    def stamps(
        self, since: Mapping[str, str] = MappingProxyType({}), *, files: bool = False
    ) -> Mapping[str, str]:
        return {}

    def quick(self, since: Mapping[str, str], *, files: bool = False) -> Look:
        return Look(self._differences(self._digests()), sure=True)

    # --- whose it is

    def create(self, others: Collection[str]) -> None:
        if not self.root.is_dir():
            raise NotFound(f"no directory {self.root}", hint="make it")
        found, mine = self.identity(), self._identity
        if found is None:
            self._made = True
            self.adopt(self.root)
        elif found.site != mine.site or found.target in others:
            raise Refused(
                f"{self.root} is target {found.target} of site {found.site}", hint="no"
            )
        elif found.target != mine.target:
            self._write(replace(found, target=mine.target))

    def take_back(self) -> None:
        if self._made:
            (self.root / "TARGET").unlink()

    def adopt(self, found: Path) -> list[str]:
        self._write(self._identity)
        return []

    def is_marked(self) -> bool:
        return False

    def set_hold(self, reason: str) -> None:
        found = self.identity()
        if found is None:
            raise NotFound(f"{self.root} is no target", hint="mount it")
        self._write(replace(found, hold=reason))

    def retire(self) -> list[Finding]:
        (self.root / "TARGET").unlink(missing_ok=True)
        return [Finding("live", "serving", "goes on serving")]

    # --- publishing

    def plan(self, rendering: Pages) -> FilePlan:
        now, new = self._digests(), _digests(rendering.files)
        changed = [path for path, digest in new.items() if now.get(path) != digest]
        return FilePlan(sorted(changed), sorted(now.keys() - new.keys()))

    def stage(self, rendering: Pages, leeway: Leeway = NO_LEEWAY) -> "PlainStaged":
        if self.identity() is None:
            raise NotFound(f"{self.root} is no target", hint="mount it")
        fresh = [s for s in rendering.kernels if not self._kernel(s).exists()]
        for each in fresh:
            write_file(self._kernel(each), checked(self._artifacts, each).read_bytes())
        record = {
            "marker": asdict(rendering.marker),
            "files": _digests(rendering.files),
            "kernels": rendering.kernels,
        }
        home = self.root / "generations" / rendering.name
        for name, data in rendering.files.items():
            write_file(home / name, data)
        write_file(home / "MARKER", json.dumps(record).encode())
        written = self.plan(rendering).write
        return PlainStaged(self.root, rendering.name, fresh, len(written))

    # --- checking and mending

    def verify(self, rendering: Pages, *, deep: bool) -> list[Finding]:
        found = self._differences(_digests(rendering.files))
        for each in rendering.kernels:
            path = self._kernel(each)
            if not path.exists():
                found.append(Finding(f"kernels/{each}", "missing"))
            elif deep and sha256(path.read_bytes()).hexdigest() != each:
                found.append(Finding(f"kernels/{each}", "changed"))
        return found

    def as_drawn(self, rendering: Pages, renderer: str, *, deep: bool) -> Pages | None:
        if self._differences(self._digests()):
            return None
        files = {name: (self._live / name).read_bytes() for name in self._digests()}
        marker = replace(rendering.marker, renderer=renderer)
        return replace(rendering, marker=marker, files=files)

    def repair(self, rendering: Pages, found: Path) -> list[Finding]:
        findings = self.verify(rendering, deep=True)
        for each in findings:
            path = self.root / each.path
            if path.exists():
                write_file(found / each.path, path.read_bytes())
                path.unlink()
        self.stage(rendering).switch()
        return findings

    # --- keeping

    def generations(self) -> list[tuple[int, str]]:
        names = sorted(path.name for path in self.root.glob("generations/*"))
        return [(int(name[:6]), name[7:]) for name in names]

    def held(self) -> Held:
        return Held(tuple(self.generations()), tuple(sorted(self._needed())))

    def sweep(self, keep: Keep) -> list[str]:
        kept = {self._live.name, *(commit[:12] for commit in keep.commits)}
        gone = [
            path
            for path in self.root.glob("generations/*")
            if not {path.name, path.name[7:]} & kept
        ]
        for path in gone:
            remove_tree(path)
        needed = self._needed()
        stray = [p for p in self.root.glob("kernels/*") if p.name not in needed]
        for path in stray:
            path.unlink()
        return [str(path.relative_to(self.root)) for path in (*gone, *stray)]

    @property
    def _live(self) -> Path:
        link = self.root / "live"
        return self.root / link.readlink() if link.is_symlink() else link

    def _kernel(self, digest: str) -> Path:
        return self.root / "kernels" / digest

    def _write(self, identity: Identity) -> None:
        write_file(self.root / "TARGET", json.dumps(asdict(identity)).encode())

    def _digests(self) -> dict[str, str]:
        with suppress(OSError, ValueError):
            found = json.loads((self._live / "MARKER").read_bytes())["files"]
            return {str(name): str(digest) for name, digest in found.items()}
        return {}

    def _differences(self, meant: Mapping[str, str]) -> list[Finding]:
        found = []
        for name, digest in meant.items():
            path, where = self._live / name, f"live/{name}"
            if not path.exists():
                found.append(Finding(where, "missing"))
            elif sha256(path.read_bytes()).hexdigest() != digest:
                found.append(Finding(where, "changed"))
        return found

    def _needed(self) -> set[str]:
        markers = self.root.glob("generations/*/MARKER")
        return {s for path in markers for s in json.loads(path.read_bytes())["kernels"]}


@dataclass
class PlainStaged:
    """A generation beside what is live."""

    root: Path
    name: str
    kernels: Sequence[str]
    texts: int
    displaced: Mapping[str, bytes] = field(default_factory=dict)
    said: str = ""
    originals: Mapping[str, bytes] = field(default_factory=dict)

    def switch(self) -> int:
        replace_link(self.root / "live", f"generations/{self.name}")
        return len(self.kernels) + self.texts

    def discard(self) -> None:
        remove_tree(self.root / "generations" / self.name)
        for each in self.kernels:
            (self.root / "kernels" / each).unlink()


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: sha256(data).hexdigest() for name, data in files.items()}


class PlainKind:
    """Directories of plain files."""

    name = NAME
    order = 2
    replaces = False

    def inputs(self, spec: TargetSpec) -> Sequence[str]:
        return ("images", "nodes", "groups")

    def observe(self, spec: TargetSpec, root: Path) -> PlainTarget:
        return PlainTarget(root, spec.name, "", _Nowhere())

    def open(
        self,
        spec: TargetSpec,
        root: Path,
        site: str,
        artifacts: ArtifactSource,
        remembered: Mapping[str, str],
    ) -> Target[Pages]:
        assert not remembered
        return Target(
            PlainTarget(root, spec.name, site, artifacts), partial(render, spec)
        )

    def check(self, spec: TargetSpec, moves: Moves) -> None:
        return

    def check_boot(
        self, spec: TargetSpec, boot: Boot, values: Mapping[str, str], who: str
    ) -> None:
        if "plain.refuses" in boot.params:
            raise Refused(f"{who}: plain files have no word for it", hint="leave it")

    def files(
        self, spec: TargetSpec, desired: Desired, root: Path | None
    ) -> Iterator[tuple[str, bytes]]:
        yield from render(spec, desired).files.items()

    def requests(
        self, spec: TargetSpec, root: Path, node: documents.Node, boot: Boot
    ) -> Iterator[Request]:
        page = f"live/{node.name}.boot"
        yield Request(f"{spec.name}: page of {node.name}", page, root / page)

    def advice(self, spec: TargetSpec, root: Path) -> Iterator[str]:
        yield f"plain: let nodes read {root}"

    def samples(self, images: Collection[str]) -> dict[str, documents.Target]:
        return {NAME: documents.Target(kind=NAME, loaders=("grub",))}

    def always(self) -> dict[str, bytes]:
        return {}


class _Nowhere:
    def path(self, sha256: str) -> Path:
        raise NotFound(sha256, hint="who looks takes nothing")


def register(patch: pytest.MonkeyPatch) -> None:
    """Make it a kind that kp knows, as a folder and its lines would."""
    words: Any = vocabulary
    patch.setitem(words.LOADERS, NAME, frozenset({"grub"}))
    patch.setitem(words.WRITTEN, NAME, ("grub",))
    patch.setitem(words.OPTIONS, NAME, ())
    patch.setitem(OBSERVERS, NAME, PlainKind())
    patch.setitem(KINDS, NAME, PlainKind())
