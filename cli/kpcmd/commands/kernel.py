"""`kp kernel`: the kernels of an image."""

from typing import Annotated, Any

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.kernel_origin import GivenOrigin, TakingCommand
from kpcmd.arguments.options import (
    ImageArg,
    KernelArg,
    Mismatch,
)
from kpcmd.context import Session
from kpcmd.editing import edit
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.kernels import warn_of
from kpstore.edits import kernels
from kpstore.kernels.gather import Gathered
from kpstore.model.state import State

app = noun("The kernels of an image.")
apps = {"kernel": app}


Name = Annotated[
    str | None,
    typer.Option("--name", metavar="K", help="Its name; without: the release."),
]
NoModules = Annotated[
    bool,
    typer.Option("--no-modules", help="Leave its modules out: it needs none here."),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="In place of one of that name.")
]


@editing(
    app,
    "add",
    "kp kernel add web --files vmlinuz-6.12 --initrd initrd.img-6.12 "
    "--modules lib/modules/6.12",
    "kp kernel add web --installed 6.1.0-28-amd64 -m 'as installed'",
    "kp kernel add web --installed 6.1.0-28-amd64 --no-modules --name small",
    "kp kernel add web --files arch/x86/boot/bzImage --name test --replace -m again",
    cls=TakingCommand,
)
def add(
    context: typer.Context,
    image: ImageArg,
    name: Name = None,
    replace: Replace = False,
    no_modules: NoModules = False,
    mismatch: Mismatch = False,
) -> int:
    """Take a kernel in, from exactly one origin.

    Release, architecture and features are read from the bytes. --files KERNEL alone
    takes the initrd, modules, System.map and config of its release that lie beside it.
    --no-modules leaves the modules out: where the image has them already, or the kernel
    has all that it needs in itself or in its initrd.
    """
    session = session_of(context)
    origin = GivenOrigin.of(context, modules=not no_modules)
    way = way_of(context, "kernel add")
    session.weighed = set() if way.dry_run else None
    opened = picker(session)
    whose = opened.view().image(image)
    found = origin.take(session, opened, image, whose, mismatch=mismatch)
    called = name or found.kernel.release
    _tell(session, f"{image}/{called}", found)

    def change(state: State) -> None:
        kernels.add(state, image, called, found.kernel, replace=replace)

    return edit(session, way, change)


def _tell(session: Session, called: str, found: Gathered) -> None:
    """Say what was taken in, and what of it is doubtful."""
    warn_of(session, found)
    session.out.say(f"kernel {called}: {found.kernel.release}")
    if found.kernel.origin.kind == "files":
        given = found.kernel.origin.detail.items()
        parts = [f"{what} {path}" for what, path in given if what != "kernel"]
        session.out.say(f"with {', '.join(parts) or 'no initrd and no modules'}")


@verb(app, "list", "kp kernel list web", "kp kernel list web --json")
def list_(context: typer.Context, image: ImageArg) -> None:
    """List an image's kernels, and the entries that boot them."""
    session = session_of(context)
    state = picker(session).view()
    state.image(image)
    found = [_line(state, image, name) for name in state.names("kernel", image)]
    rows = [
        (
            each["kernel"],
            each["kind"],
            each["release"],
            each["origin"]["kind"],
            " ".join(each["entries"]) or "-",
        )
        for each in found
    ]
    header = ("KERNEL", "KIND", "RELEASE", "ORIGIN", "ENTRIES")
    session.out.answer(found, session.out.columns(header, rows))


@verb(app, "show", "kp kernel show web 6.12")
def show(context: typer.Context, image: ImageArg, kernel: KernelArg) -> None:
    """Show a kernel: its artifacts, features and origin."""
    session = session_of(context)
    state = picker(session).view()
    state.kernel(image, kernel)
    found = _line(state, image, kernel)
    lines = [f"{found['kernel']}  {found['release']}  {found['arch']}  {found['kind']}"]
    for what, refs in found["artifacts"].items():
        for ref in refs if isinstance(refs, list) else [refs]:
            if ref:
                lines.append(f"{what:<10}  {ref['sha256']}  {ref['size']:,} bytes")
    lines += [f"{what:<10}  {text}" for what, text in found["features"].items()]
    lines.append(f"entries     {' '.join(found['entries']) or '-'}")
    session.out.answer(found, lines)


@editing(app, "rm", "kp kernel rm web 6.1")
def rm(
    context: typer.Context,
    image: ImageArg,
    kernel: KernelArg,
) -> int:
    """Remove a kernel that no entry boots; its files go with kp gc, in time."""
    way = way_of(context, "kernel rm")
    return edit(
        session_of(context), way, lambda state: kernels.remove(state, image, kernel)
    )


def _line(state: State, image: str, name: str) -> dict[str, Any]:
    kernel = state.kernel(image, name)
    entries = []
    for each in state.names("entry", image):
        entry = state.entry(image, each)
        if name in (entry.kernel, entry.xen.kernel if entry.xen else None):
            entries.append(each)
    fields = kernel.model_dump(mode="json", by_alias=True)
    return {"kernel": name, **fields, "entries": entries}
