"""`kp image`: the operating systems that nodes run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.options import (
    AllowParams,
    ForbidParams,
    ImageArg,
    Mismatch,
    RequireParams,
    check_given,
    demands_of,
)
from kpcmd.arguments.parameters import (
    ForcibleLayerCommand,
    line_of,
    say,
    tokens_of,
)
from kpcmd.arguments.paths import kept_path, tidied
from kpcmd.context import Session
from kpcmd.editing import edit
from kpcmd.errors import WrongUsage
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.kernels import taking_in, warn_of
from kpstore.discovery.image_tree import Booted
from kpstore.edits import entries, images
from kpstore.errors import InvalidInput
from kpstore.kernels.gather import Gathered
from kpstore.kernels.origins.installed import as_booted
from kpstore.model.documents import Image
from kpstore.model.params.tokens import split
from kpstore.model.state import State
from kpstore.model.validation import make
from kpstore.picker import KernelPicker

app = noun("The operating systems that nodes run.")
apps = {"image": app}


@dataclass(frozen=True)
class _Found:
    """A tree's architecture, and the kernel that it boots, taken in."""

    arch: str | None
    booted: Booted | None = None
    kernel: Gathered | None = None


Name = Annotated[str, typer.Argument(metavar="IMAGE", help="Its name.")]
Arch = Annotated[
    str | None,
    typer.Option("--arch", metavar="ARCH", help="x86_64, aarch64…; read from --tree."),
]


@editing(
    app,
    "add",
    "kp image add web --tree /srv/images/web",
    'kp image add db --arch aarch64 --params "console=ttyAMA0 panic=30" -m "new image"',
    cls=ForcibleLayerCommand,
)
def add(
    context: typer.Context,
    image: Name,
    tree: Annotated[
        Path | None,
        typer.Option("--tree", metavar="DIR", help="Where its files are."),
    ] = None,
    arch: Arch = None,
    mismatch: Mismatch = False,
) -> int:
    """Add an image.

    With --tree its architecture is read from there, and the kernel that the tree's
    own loader boots becomes the entry `production`, with its initrds and parameters.
    Where something of it is lacking, that is said, and no entry is made.
    """
    session = session_of(context)
    if tree is None and arch is None:
        raise WrongUsage(
            "an image needs --tree DIR, or --arch ARCH without one",
            hint="kp image add IMAGE --tree DIR",
        )
    way, tokens = way_of(context, "image add"), tokens_of(context)
    session.weighed = set() if way.dry_run else None
    found = _look_at(session, picker(session), tree, arch, force_mismatch=mismatch)
    fields = {"arch": images.require_arch(found.arch)} | line_of(context)

    def change(state: State) -> None:
        images.add(state, image, fields)
        say(session, images.change(state, image, {}, **tokens))
        if found.booted and found.kernel:
            entries.add_production(
                state, image, found.kernel.kernel, found.booted.params
            )
            where = found.booted.source or "the only kernel, without a loader"
            what = f"kernel {found.booted.release}, from {where}"
            session.out.say(f"entry {entries.PRODUCTION}: {what}")

    with kept_path(session, "trees", image, tree, dry_run=way.dry_run):
        return edit(session, way, change)


@verb(app, "list", "kp image list", "kp image list --json")
def list_(context: typer.Context) -> None:
    """List the images: architecture, default, kernels and entries."""
    session = session_of(context)
    state = picker(session).view()
    found = [_line(state, name) for name in state.names("image")]
    rows = [
        (each["image"], each["arch"], each["default"] or "-", str(len(each["entries"])))
        for each in found
    ]
    header = ("IMAGE", "ARCH", "DEFAULT", "ENTRIES")
    session.out.answer(found, session.out.columns(header, rows))


@verb(app, "show", "kp image show web")
def show(context: typer.Context, image: ImageArg) -> None:
    """Show an image with its entries and kernels."""
    session = session_of(context)
    state = picker(session).view()
    document = _line(state, image)
    document |= state.image(image).model_dump(mode="json")
    session.out.answer(
        document, (f"{field}: {_text(value)}" for field, value in document.items())
    )


@editing(
    app,
    "set",
    'kp image set web --params "console=ttyS0 panic=30"',
    "kp image set web --require-param crashkernel --forbid-param quiet",
    cls=ForcibleLayerCommand,
)
def set_(
    context: typer.Context,
    image: ImageArg,
    require_module: Annotated[
        list[str] | None,
        typer.Option(
            "--require-module", metavar="M", help="A module that kernels must have."
        ),
    ] = None,
    require_firmware: Annotated[
        list[str] | None,
        typer.Option(
            "--require-firmware", metavar="F", help="Firmware that it must have."
        ),
    ] = None,
    ssi_params: Annotated[
        str | None,
        typer.Option("--ssi-params", metavar="P", help="What --ssi entries add."),
    ] = None,
    require_param: RequireParams = None,
    forbid_param: ForbidParams = None,
    allow_param: AllowParams = None,
) -> int:
    """Set fields of an image; what is given replaces what was."""
    session = session_of(context)
    fields, tokens = line_of(context), tokens_of(context)
    demands = demands_of(require_param, forbid_param, allow_param)
    lists = (require_module, require_firmware, *(each or None for each in demands))
    check_given(*fields, *tokens, ssi_params, *lists)
    if require_module is not None:
        fields["required_modules"] = tuple(filter(None, require_module))
    if require_firmware is not None:
        fields["required_firmware"] = tuple(filter(None, require_firmware))
    if ssi_params is not None:
        fields["ssi"] = {"params": split(ssi_params)} if ssi_params else None
    way = way_of(context, "image set")

    def change(state: State) -> None:
        say(session, images.change(state, image, fields, **tokens))
        images.demand(state, image, *demands)

    return edit(session, way, change)


@editing(app, "rm", 'kp image rm web -m "retired"')
def rm(
    context: typer.Context,
    image: ImageArg,
) -> int:
    """Remove an image with its entries and kernels; refused while nodes use it."""
    session = session_of(context)
    way = way_of(context, "image rm")
    with tidied(session):
        return edit(session, way, lambda state: images.remove(state, image))


def _look_at(
    session: Session,
    opened: KernelPicker,
    tree: Path | None,
    arch: str | None,
    *,
    force_mismatch: bool = False,
) -> _Found:
    """Look into an image tree; nothing of it is run."""
    if tree is None:
        return _Found(arch)
    arch = arch or opened.intake.arch_of(tree)
    if arch is None:
        return _Found(arch)
    booted = _default_of(session, opened, tree)
    if booted is None:
        return _Found(arch)
    if booted.dropped:
        raise InvalidInput(
            f"{booted.source or tree} has parameters that kp can't pass on: "
            f"{', '.join(map(repr, booted.dropped))}",
            hint="take them out there, or kp image add IMAGE --arch ARCH, and say what "
            "is right by kp kernel add and kp entry add --params",
        )
    image = make(Image, {"arch": arch}, "the image")
    with taking_in(session, booted.release) as (progress, before):
        kernel = opened.intake.take(
            image,
            as_booted(tree, booted),
            tree,
            force_mismatch=force_mismatch,
            progress=progress,
            before=before,
        )
    warn_of(session, kernel)
    return _Found(arch, booted, kernel)


def _default_of(session: Session, opened: KernelPicker, tree: Path) -> Booted | None:
    """Return what the tree boots; None, and why, where no entry can be made of it."""
    default = opened.intake.default_of(tree)
    for text in default.unread:
        session.out.warn(f"not understood: {text}")
    for text in default.lost:
        session.out.warn(text)
    booted = default.booted
    if booted and not booted.hypervisor:
        return booted
    if booted:
        xen = " ".join((booted.hypervisor, *booted.hypervisor_words))
        line = " ".join((*booted.params, *booted.dropped))
        session.out.warn(
            f"{booted.source} boots {booted.release} under the hypervisor {xen}, which "
            f"kp can't write yet; the kernel's own line is: {line}"
        )
    if not default.candidates:
        session.out.say("no kernel is installed in the tree: kp kernel add")
        return None
    told = booted or default.lost or default.unread
    why = "" if told else ", for no loader in the tree says which of them it boots"
    session.out.say(f"no entry is made of {', '.join(default.candidates)}{why}")
    session.out.say("next: kp kernel add IMAGE --installed RELEASE, kp entry add")
    return None


def _line(state: State, name: str) -> dict[str, Any]:
    image = state.image(name)
    return {
        "image": name,
        "arch": image.arch,
        "default": image.default,
        "entries": state.names("entry", name),
        "kernels": state.names("kernel", name),
    }


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(each) for each in value)
    return "-" if value is None else str(value)
