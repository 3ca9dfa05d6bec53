"""`kp node`, but for its list and `show`: what edits nodes by the models."""

from pathlib import Path
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.nodesets import OfImage, fields_of
from kpcmd.arguments.options import (
    NodeArg,
    NodeSets,
    check_given,
)
from kpcmd.arguments.parameters import LayerCommand, line_of, say, tokens_of
from kpcmd.arguments.tables import read_table
from kpcmd.commands.node import app
from kpcmd.context import Session
from kpcmd.editing import edit, nodes_of, say_nodes
from kpcmd.errors import WrongUsage
from kpcmd.frame import session_of
from kpstore.edits import groups, nodes
from kpstore.inventory.contract import Imported
from kpstore.model.folding import counted, fold
from kpstore.model.state import State

Macs = Annotated[
    list[str] | None, typer.Option("--mac", metavar="MAC", help="A network card.")
]
Ips = Annotated[
    list[str] | None, typer.Option("--ip", metavar="IP", help="An address.")
]
Index = Annotated[
    int | None,
    typer.Option("--index", metavar="N", min=0, help="Its number in the image."),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="K=V", help="A variable: {node.var.K}."),
]


@editing(
    app,
    "add",
    "kp node add n001 --mac 02:00:00:00:00:01 --image web --index 1",
    "kp node add n[01-20] --table macs.csv --image web --group rack1 -m 'rack 1'",
    cls=LayerCommand,
)
def add(
    context: typer.Context,
    nodeset: NodeSets,
    mac: Macs = None,
    image: OfImage = None,
    ip: Ips = None,
    index: Index = None,
    var: Variables = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table", metavar="FILE", help="Take MACs from a CSV table: name,mac…"
        ),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(
            "--group",
            metavar="GROUP",
            help="A group that they come to.",
            autocompletion=completion.groups,
        ),
    ] = None,
) -> int:
    """Add a node, or with --table those of a set that have a row each there."""
    session = session_of(context)
    if table and not (mac is None and ip is None and index is None):
        raise WrongUsage(
            "--table has the MACs, addresses and numbers of each node",
            hint="kp node add NODESET --table FILE, without them",
        )
    fields, variables = fields_of(mac, image, ip, index, var)
    fields |= line_of(context)
    tokens = tokens_of(context)
    rows = read_table(table, "csv", None) if table else None

    def change(state: State) -> None:
        if fields.get("image") is not None:
            state.image(fields["image"])
        names = nodes_of(session, state, nodeset)
        found = _one(names) if rows is None else _rows(session, state, rows, names)
        for name in names:
            own = found[name] | fields
            nodes.add(state, name, own | {"vars": own.get("vars", {}) | variables})
        say(session, nodes.change(state, names, {}, **tokens))
        for each in group or ():
            groups.regroup(state, each, add=fold(names))

    return edit(session, way_of(context, "node add"), change)


def _one(names: list[str]) -> dict[str, dict[str, Any]]:
    if len(names) > 1:
        raise WrongUsage(
            f"{fold(names)} are {counted(len(names), 'node')}: each has its own MAC",
            hint="kp node add NODESET --table FILE",
        )
    return {name: {} for name in names}


def _rows(
    session: Session, state: State, rows: Imported, names: list[str]
) -> dict[str, dict[str, Any]]:
    """Return what the table says of nodes; say which rows are none of theirs."""
    chosen, beside = rows.split(names)
    if beside:
        session.say_once(f"rows of other nodes are left alone: {fold(beside)}")
    chosen.check_images(state.names("image"))
    groups.join(state, chosen.groups)
    return {node.name: dict(node) for node in chosen.nodes}


@editing(
    app,
    "import",
    "kp node import nodes.csv --format csv -m 'the racks 1 to 4'",
    "printf 'name,mac,image\\nn1,02:00:00:00:00:01,web\\n' | kp node import - "
    "--format csv",
)
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table; - for stdin.")],
    format_: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="csv; others come later.")
    ],
    image: OfImage = None,
) -> int:
    """Add or replace nodes from a table: `name,mac[,ip,image,index,group,var.NAME]`.

    A bad row refuses the whole file, naming line and column.
    """
    session = session_of(context)
    session.out.doing(f"reading {file}")
    table = read_table(file, format_, image)
    for text in table.unread:
        session.out.warn(f"not understood: {text}")
    say_nodes(session, [node.name for node in table.nodes])

    def change(state: State) -> None:
        if image is not None:
            state.image(image)
        table.check_images(state.names("image"))
        nodes.put_all(state, table.nodes)
        groups.join(state, table.groups)

    return edit(session, way_of(context, "node import"), change)


@editing(
    app,
    "set",
    "kp node set n[001-100] --image web",
    "kp node set @rack1 --add-param console=ttyS1 -m 'rack 1 has other cables'",
    "kp node set n001 --without-param quiet",
    cls=LayerCommand,
)
def set_(
    context: typer.Context,
    nodeset: NodeSets,
    mac: Macs = None,
    image: OfImage = None,
    ip: Ips = None,
    index: Index = None,
    var: Variables = None,
) -> int:
    """Set fields of nodes; what isn't given stays. `--image none` takes it away."""
    session = session_of(context)
    line, tokens = line_of(context), tokens_of(context)
    check_given(mac, image, ip, index, var, *line, *tokens)
    fields, variables = fields_of(mac, image, ip, index, var)
    fields |= line

    def change(state: State) -> None:
        if fields.get("image") is not None:
            state.image(fields["image"])
        names = nodes_of(session, state, nodeset)
        notes = nodes.change(state, names, fields, variables=variables, **tokens)
        say(session, notes)

    return edit(session, way_of(context, "node set"), change)


@editing(app, "rename", "kp node rename n001 login1 -m 'what it is now'")
def rename(
    context: typer.Context,
    old: NodeArg,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its name from now on.")],
) -> int:
    """Give a node another name; groups that name it name it so, too."""
    session = session_of(context)

    def change(state: State) -> None:
        nodes.rename(state, old, new)
        say_nodes(session, [new])

    return edit(session, way_of(context, "node rename"), change)


@editing(app, "rm", "kp node rm n[090-100] -m 'sold'")
def rm(
    context: typer.Context,
    nodeset: NodeSets,
) -> int:
    """Remove nodes; then they boot as unknown ones do."""
    session = session_of(context)

    def change(state: State) -> None:
        nodes.remove(state, nodes_of(session, state, nodeset))

    return edit(session, way_of(context, "node rm"), change)
