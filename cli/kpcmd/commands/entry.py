"""`kp entry`: the bootable choices of an image."""

from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.entries import fields_of, hypervisor_of, need_kernel
from kpcmd.arguments.options import (
    EntryArg,
    ImageArg,
    check_given,
)
from kpcmd.arguments.parameters import (
    ForcibleLayerCommand,
    line_of,
    say,
    tokens_of,
)
from kpcmd.editing import edit
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.entries import line, shown_json, shown_lines, usual
from kpstore.edits import entries, images
from kpstore.model.state import State
from kpstore.queries.entry import shown_entry

app = noun("The bootable choices of an image.")
apps = {"entry": app}

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name.")]
Kernel = Annotated[
    str | None,
    typer.Option(
        "--kernel", metavar="K", help="A kernel.", autocompletion=completion.kernels
    ),
]
Like = Annotated[
    str | None,
    typer.Option(
        "--like",
        metavar="ENTRY",
        help="Take what isn't given from another entry.",
        autocompletion=completion.entries,
    ),
]
Method = Annotated[
    str | None,
    typer.Option("--method", metavar="METHOD", help="local, network or mixed."),
]
Xen = Annotated[
    str | None,
    typer.Option("--xen", metavar="K", help="A hypervisor: a kernel of kind xen."),
]
XenParams = Annotated[
    str | None, typer.Option("--xen-params", metavar="P", help="Its parameters.")
]
Ssi = Annotated[
    bool | None,
    typer.Option("--ssi/--no-ssi", help="Add the image's single-system parameters."),
]


@editing(
    app,
    "add",
    "kp entry add web next --kernel 6.12 --like production",
    'kp entry add web rescue --kernel 6.1 --params "root=/dev/sda1 single" --default',
    cls=ForcibleLayerCommand,
)
def add(  # one a field
    context: typer.Context,
    image: ImageArg,
    name: Name,
    kernel: Kernel = None,
    like: Like = None,
    method: Method = None,
    xen: Xen = None,
    xen_params: XenParams = None,
    ssi: Ssi = None,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the image's default.")
    ] = False,
) -> int:
    """Add a boot entry; an image's first becomes its default.

    Method and parameters that are neither given nor --like another's are those of
    the image's default.
    """
    session = session_of(context)
    tokens = tokens_of(context)
    fields = fields_of(kernel, method, ssi) | line_of(context)
    way = way_of(context, "entry add")

    def change(state: State) -> None:
        whole = fields | hypervisor_of(state, image, like, xen, xen_params)
        need_kernel(state, image, kernel, like)
        if like is None and not fields.keys() >= {"method", "params"}:
            whole = usual(session, state, image, whole) | whole
        entries.add(state, image, name, whole, like=like)
        say(session, entries.change(state, image, name, {}, **tokens))
        if default:
            images.set_default(state, image, name)

    return edit(session, way, change)


@editing(
    app,
    "set",
    "kp entry set web production --kernel 6.12",
    "kp entry set web production --add-param panic=30 --remove-param quiet",
    cls=ForcibleLayerCommand,
)
def set_(  # one a field
    context: typer.Context,
    image: ImageArg,
    name: EntryArg,
    kernel: Kernel = None,
    like: Like = None,
    method: Method = None,
    xen: Xen = None,
    xen_params: XenParams = None,
    ssi: Ssi = None,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the image's default.")
    ] = False,
) -> int:
    """Set fields of a boot entry; what isn't given stays."""
    session = session_of(context)
    fields, tokens = (
        fields_of(kernel, method, ssi) | line_of(context),
        tokens_of(context),
    )
    check_given(*fields, *tokens, like, xen, xen_params, default or None)
    way = way_of(context, "entry set")

    def change(state: State) -> None:
        whole = fields | hypervisor_of(state, image, like or name, xen, xen_params)
        say(session, entries.change(state, image, name, whole, like=like, **tokens))
        if default:
            images.set_default(state, image, name)

    return edit(session, way, change)


@verb(app, "list", "kp entry list web")
def list_(context: typer.Context, image: ImageArg) -> None:
    """List an image's boot entries."""
    session = session_of(context)
    state = picker(session).view()
    state.image(image)
    found = [line(state, image, name) for name in state.names("entry", image)]
    rows = [
        (
            "*" if each["default"] else "",
            each["entry"],
            each["method"],
            each["kernel"],
            session.out.paint(each["verdict"]),
            each["params"],
        )
        for each in found
    ]
    header = ("", "ENTRY", "METHOD", "KERNEL", "VERDICT", "PARAMETERS")
    session.out.answer(found, session.out.columns(header, rows))


@verb(app, "show", "kp entry show web production", "kp entry show web next --node n001")
def show(
    context: typer.Context,
    image: ImageArg,
    name: EntryArg,
    node: Annotated[
        str | None,
        typer.Option(
            "--node",
            metavar="NODE",
            help="As this node boots it.",
            autocompletion=completion.nodes,
        ),
    ] = None,
) -> None:
    """Show what an entry boots: its files, and the command line."""
    session = session_of(context)
    shown = shown_entry(picker(session).view(), image, name, node)
    session.out.answer(shown_json(shown), shown_lines(session, shown))


@editing(app, "rm", "kp entry rm web next")
def rm(
    context: typer.Context,
    image: ImageArg,
    name: EntryArg,
) -> int:
    """Remove a boot entry that is no default and no node's next boot."""
    session = session_of(context)
    way = way_of(context, "entry rm")
    return edit(session, way, lambda state: entries.remove(state, image, name))
