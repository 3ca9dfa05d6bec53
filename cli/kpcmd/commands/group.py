"""`kp group`: nodes that share parameters."""

from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.options import (
    GroupArg,
    check_given,
)
from kpcmd.arguments.parameters import LayerCommand, line_of, say, tokens_of
from kpcmd.editing import edit, say_nodes
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpstore.edits import groups
from kpstore.model.moves import group_sets
from kpstore.model.nodesets import members
from kpstore.model.params.tokens import compose
from kpstore.model.state import State

app = noun("Nodes that share parameters.")
apps = {"group": app}

Nodes = Annotated[
    str | None,
    typer.Option(
        "--nodes",
        metavar="NODESET",
        help="Its nodes: n[001-100],@rack1.",
        autocompletion=completion.nodes,
    ),
]
AddNodes = Annotated[
    str,
    typer.Option(
        "--add-nodes",
        metavar="NODESET",
        help="Nodes that come to it.",
        autocompletion=completion.nodes,
    ),
]
RemoveNodes = Annotated[
    str,
    typer.Option(
        "--remove-nodes",
        metavar="NODESET",
        help="Nodes that leave it.",
        autocompletion=completion.nodes,
    ),
]
Future = Annotated[
    bool,
    typer.Option("--future", help="Nodes that this site does not have yet, too."),
]
Priority = Annotated[
    int | None,
    typer.Option("--priority", metavar="N", help="Higher wins over other groups."),
]


@editing(
    app,
    "add",
    "kp group add rack1 --nodes n[001-040] --add-param console=ttyS1,115200",
    cls=LayerCommand,
)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="GROUP", help="Its name.")],
    nodes: Nodes = None,
    priority: Priority = None,
    future: Future = False,
) -> int:
    """Add a group of nodes that the site has; with `--future` of others, too."""
    session = session_of(context)
    fields, tokens = _fields(nodes, priority) | line_of(context), tokens_of(context)

    def change(state: State) -> None:
        groups.add(state, name, fields)
        if not future:
            groups.refuse_strangers(state, name)
        say(session, groups.change(state, name, {}, **tokens))
        say_nodes(session, members(nodes or "", group_sets(state)))

    return edit(session, way_of(context, "group add"), change)


@editing(
    app,
    "set",
    "kp group set rack1 --nodes n[001-042]",
    "kp group set rack1 --add-nodes n[043-044] --remove-nodes n007 -m 'two more'",
    "kp group set rack1 --remove-param console -m 'back to the usual console'",
    cls=LayerCommand,
)
def set_(
    context: typer.Context,
    name: GroupArg,
    nodes: Nodes = None,
    add_nodes: AddNodes = "",
    remove_nodes: RemoveNodes = "",
    priority: Priority = None,
    future: Future = False,
) -> int:
    """Set fields of a group; what isn't given stays."""
    session = session_of(context)
    fields, tokens = _fields(nodes, priority) | line_of(context), tokens_of(context)
    check_given(*fields, *tokens, add_nodes or None, remove_nodes or None)

    def change(state: State) -> None:
        before = state.group(name).nodes
        say(session, groups.change(state, name, fields, **tokens))
        if add_nodes or remove_nodes:
            groups.regroup(state, name, add_nodes, remove_nodes)
        if not future:
            groups.refuse_strangers(state, name, before)
        say_nodes(session, members(state.group(name).nodes, group_sets(state)))

    return edit(session, way_of(context, "group set"), change)


@verb(app, "list", "kp group list")
def list_(context: typer.Context) -> None:
    """List the groups."""
    session = session_of(context)
    state = picker(session).view()
    found = [_document(state, name) for name in state.names("group")]
    rows = [
        (each["group"], str(each["priority"]), each["nodes"], compose(each["params"]))
        for each in found
    ]
    header = ("GROUP", "PRIORITY", "NODES", "PARAMETERS")
    session.out.answer(found, session.out.columns(header, rows))


@verb(app, "show", "kp group show rack1")
def show(context: typer.Context, name: GroupArg) -> None:
    """Show a group with the nodes that are in it."""
    session = session_of(context)
    state = picker(session).view()
    document = _document(state, name)
    inside = members(document["nodes"], group_sets(state))
    document["members"] = sorted(inside)
    lines = [
        f"nodes     {document['nodes']}  ({len(inside)})",
        f"priority  {document['priority']}",
        f"params    {compose(document['params'])}",
    ]
    if without := document.get("without"):
        lines.append(f"without   {compose(without)}")
    session.out.answer(document, lines)


@editing(app, "rm", "kp group rm rack1 -m 'the rack is gone'")
def rm(
    context: typer.Context,
    name: GroupArg,
) -> int:
    """Remove a group; its nodes stay."""
    session = session_of(context)

    def change(state: State) -> None:
        say_nodes(session, members(state.group(name).nodes, group_sets(state)))
        groups.remove(state, name)

    return edit(session, way_of(context, "group rm"), change)


def _fields(nodes: str | None, priority: int | None) -> dict[str, Any]:
    given = {"nodes": nodes, "priority": priority}
    return {name: value for name, value in given.items() if value is not None}


def _document(state: State, name: str) -> dict[str, Any]:
    return {"group": name, **state.group(name).model_dump(mode="json")}
