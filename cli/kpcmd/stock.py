"""What `kp image add --tree` finds in a tree, and the stock entry made of it."""

from dataclasses import dataclass
from pathlib import Path

from kpcmd.context import Session
from kpstore.discovery.image_tree import Booted
from kpstore.edits import entries, kernels
from kpstore.kernels.contract import Given
from kpstore.kernels.gather import Gathered
from kpstore.kernels.origins.installed import InstalledKernel
from kpstore.model.documents import Image
from kpstore.model.state import State
from kpstore.model.validation import make
from kpstore.picker import KernelPicker

PRODUCTION = "production"


@dataclass(frozen=True)
class Found:
    """A tree's architecture, and the kernel that it boots, taken in."""

    arch: str | None
    booted: Booted | None = None
    kernel: Gathered | None = None


def look_at(
    session: Session,
    opened: KernelPicker,
    tree: Path | None,
    arch: str | None,
    *,
    force_mismatch: bool = False,
) -> Found:
    """Look into an image tree; nothing of it is run."""
    if tree is None:
        return Found(arch)
    arch = arch or opened.intake.arch_of(tree)
    if arch is None:
        return Found(arch)
    default = opened.intake.default_of(tree)
    for text in default.unread:
        session.out.warn(f"not understood: {text}")
    booted = default.booted
    if booted is None:
        _name_candidates(session, default.candidates)
        return Found(arch)
    for token in booted.dropped:
        session.out.warn(f"left out of the parameters, as kp can't pass it on: {token}")
    image = make(Image, {"arch": arch}, "the image")
    with session.out.progress(f"taking in {booted.release}") as progress:
        kernel = opened.intake.take(
            image,
            InstalledKernel().open(Given(booted.release, tree=tree)),
            tree,
            force_mismatch=force_mismatch,
            progress=progress,
        )
    warn_of(session, kernel)
    return Found(arch, booted, kernel)


def warn_of(session: Session, taken: Gathered) -> None:
    """Say what of a kernel that was taken in is doubtful."""
    for note in taken.notes:
        session.out.warn(note)


def _name_candidates(session: Session, candidates: tuple[str, ...]) -> None:
    if not candidates:
        session.out.say("no kernel is installed in the tree: kp kernel add")
        return
    session.out.say(
        f"the tree's loader doesn't say which of {len(candidates)} kernels it boots: "
        f"{', '.join(candidates)}"
    )
    session.out.say("next: kp kernel add IMAGE --installed RELEASE, kp entry add")


def offer_production(session: Session, state: State, image: str, found: Found) -> None:
    """Make `production`: the kernel that the tree's own loader boots, locally."""
    if found.booted is None or found.kernel is None:
        return
    release = found.booted.release
    kernels.add(state, image, release, found.kernel.kernel)
    fields = {"kernel": release, "method": "local", "params": found.booted.params}
    entries.add(state, image, PRODUCTION, fields, default=True)
    where = found.booted.source or "the only kernel"
    session.out.say(f"entry {PRODUCTION}: kernel {release}, from {where}")
