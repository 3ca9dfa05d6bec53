"""What every kind of target is to the commit protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol

Condition = Literal["live", "lagging", "absent", "ahead", "on hold"]


@dataclass(frozen=True)
class Marker:
    """What a target says it serves: whose site, which commit, drawn from what, by what.

    `inputs` are the subtree ids and the settings that the rendering was made of: a
    target lags when they differ from main's, whatever else was committed. `renderer`
    names what drew it (`targets.renderer`); '' in what an older kp wrote.
    """

    site: str
    commit: str
    revision: int
    inputs: Mapping[str, str] = field(default_factory=dict)
    renderer: str = ""


@dataclass(frozen=True)
class Identity:
    """The identity file of a target: whose it is, and whether a person holds it.

    `kept`: paths of others' files that were there before kp and stay until adopted.
    """

    site: str
    target: str
    hold: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """What lies on a target that somebody may need.

    `generations`: revision and commit (12 digits) of what it keeps, oldest first.
    `objects`: SHA-256s that it serves, sorted. `originals`: foreign files that gave
    way, path -> SHA-256 of the artifact that keeps them.
    """

    generations: tuple[tuple[int, str], ...] = ()
    objects: tuple[str, ...] = ()
    originals: Mapping[str, str] = field(default_factory=dict)

    def and_also(self, other: "Held") -> "Held":
        """Return what either holds."""
        return Held(
            tuple(sorted({*self.generations, *other.generations})),
            tuple(sorted({*self.objects, *other.objects})),
            {**self.originals, **other.originals},
        )


@dataclass(frozen=True)
class ObjectFile:
    """One artifact that a rendering names: where it lies on the target."""

    sha256: str
    size: int
    path: str


@dataclass(frozen=True)
class Leeway:
    """What staging may do about damage, and about others' files in a node's way.

    What stands in kp's own places goes below `found`; without one it is Refused.
    `take`: so do others' files in a node's way. `doubted`: what a look found wrong, by
    path. `afresh`: what nodes would get the same from is drawn anew all the same.
    """

    found: Path | None = None
    take: bool = False
    doubted: frozenset[str] = frozenset()
    afresh: bool = False


NO_LEEWAY: Final = Leeway()


@dataclass(frozen=True)
class FilePlan:
    """What a switch would write and remove, as paths below the target's root.

    `said`: what people should know of it.
    """

    write: Sequence[str] = ()
    remove: Sequence[str] = ()
    said: str = ""


@dataclass(frozen=True)
class Finding:
    """One difference between a target and its commit.

    `kind`: `missing`, `changed`, `foreign`, `mode`, `unfinished`, `extra`; `kept` is
    another's and in nobody's way; `stays` is kp's, booted and no longer listed, where
    nothing can take its place; `spoiled` is damaged and needed for a way back alone;
    `serving` is what a target that was left goes on
    with, `left` what stays in one that can't be left clean; `older` is kp's and whole,
    and another version of kp drew it.
    """

    path: str
    kind: str
    detail: str = ""

    @property
    def is_drift(self) -> bool:
        """Tell whether kp should have something else there."""
        return self.kind not in ("kept", "older", "stays", "spoiled")


class Look(NamedTuple):
    """What a quick look proved, and whether that is all: else only a full one tells."""

    findings: list[Finding]
    sure: bool


class Staged(Protocol):
    """A rendering that is complete and durable beside the live one, unseen.

    What the switch will write over is the caller's to keep: `displaced`, the bytes that
    others put in place of kp's, and `originals`, those of others' files that give way
    for the first time; by path.
    """

    @property
    def said(self) -> str:
        """Return what people should know of it; else nothing."""

    @property
    def displaced(self) -> Mapping[str, bytes]:
        """Return what others wrote over kp's files."""

    @property
    def originals(self) -> Mapping[str, bytes]:
        """Return what was never kp's."""

    def switch(self) -> int:
        """Make it live; return how many files were written. Idempotent after a crash.

        Raises OSError; whatever happens, the target serves the old or the new.
        """

    def discard(self) -> None:
        """Sweep what was staged: the commit did not happen."""


class ArtifactSource(Protocol):
    """Where a publisher takes the bytes of artifacts from."""

    def path(self, sha256: str) -> Path:
        """Return the artifact's file; NotFound when it is gone."""
