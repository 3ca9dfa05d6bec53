"""`kp image`: the operating systems that nodes run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kpcmd.arguments.committing import committing
from kpcmd.arguments.options import (
    DryRun,
    Force,
    ImageArg,
    Message,
    Mismatch,
    Yes,
    check_given,
)
from kpcmd.arguments.paths import kept_path, tidied
from kpcmd.editing import Manner, edit
from kpcmd.errors import WrongUsage
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.stock import look_at, offer_production
from kpcmd.terminal.output import columns
from kpstore.edits import images
from kpstore.model.params import split
from kpstore.model.state import State

app = noun("The operating systems that nodes run.")
apps = {"image": app}

Name = Annotated[str, typer.Argument(metavar="IMAGE", help="Its name.")]
Arch = Annotated[
    str | None,
    typer.Option("--arch", metavar="ARCH", help="x86_64, aarch64…; read from --tree."),
]
ImageParams = Annotated[
    str | None,
    typer.Option("--params", metavar="P", help="Kernel parameters of all its entries."),
]


@committing(
    app,
    "add",
    "kp image add web --tree /srv/images/web",
    'kp image add db --arch aarch64 --params "console=ttyAMA0 panic=30" -m "new image"',
    exits=(3, 6, 75),
)
def add(
    context: typer.Context,
    image: Name,
    tree: Annotated[
        Path | None,
        typer.Option("--tree", metavar="DIR", help="Where its files are."),
    ] = None,
    arch: Arch = None,
    params: ImageParams = None,
    mismatch: Mismatch = False,
    force: Force = "",
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Add an image.

    With --tree its architecture is read from there, and the kernel that the tree's
    own loader boots becomes the entry `production`.
    """
    session = session_of(context)
    if tree is None and arch is None:
        raise WrongUsage(
            "an image needs --tree DIR, or --arch ARCH without one",
            hint="kp image add IMAGE --tree DIR",
        )
    session.weighed = set() if dry_run else None
    found = look_at(session, picker(session), tree, arch, force_mismatch=mismatch)
    fields = {"arch": images.require_arch(found.arch), "params": split(params or "")}
    manner = Manner("image add", message, dry_run, yes, force)

    def change(state: State) -> None:
        images.add(state, image, fields)
        offer_production(session, state, image, found)

    with kept_path(session, "trees", image, tree, dry_run=dry_run):
        return edit(session, manner, change)


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
    session.out.answer(found, columns(header, rows))


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


@committing(
    app, "set", 'kp image set web --params "console=ttyS0 panic=30"', exits=(3, 6, 75)
)
def set_(
    context: typer.Context,
    image: ImageArg,
    params: ImageParams = None,
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
    force: Force = "",
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Set fields of an image; what is given replaces what was."""
    session = session_of(context)
    check_given(params, require_module, require_firmware, ssi_params)
    fields: dict[str, Any] = {}
    if params is not None:
        fields["params"] = split(params)
    if require_module is not None:
        fields["required_modules"] = tuple(filter(None, require_module))
    if require_firmware is not None:
        fields["required_firmware"] = tuple(filter(None, require_firmware))
    if ssi_params is not None:
        fields["ssi"] = {"params": split(ssi_params)} if ssi_params else None
    manner = Manner("image set", message, dry_run, yes, force)
    return edit(session, manner, lambda state: images.change(state, image, fields))


@committing(app, "rm", 'kp image rm web -m "retired"', exits=(3, 6, 75))
def rm(
    context: typer.Context,
    image: ImageArg,
    message: Message = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Remove an image with its entries and kernels; refused while nodes use it."""
    session = session_of(context)
    manner = Manner("image rm", message, dry_run, yes)
    with tidied(session):
        return edit(session, manner, lambda state: images.remove(state, image))


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
