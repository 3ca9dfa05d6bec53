"""`kp node`: the client machines. Its list needs no model, so it starts fast."""

from collections.abc import Iterable
from importlib import import_module
from operator import itemgetter
from typing import Annotated, Any, Final

import typer

from kpcmd.arguments import completion
from kpcmd.context import Session
from kpcmd.frame import noun, session_of, verb
from kpstore.model.bulk import uncollected
from kpstore.site.reader import SiteReader

# Imported when one of its verbs is called for, or the list needs it: they bring the
# models along, which would double the time that listing 100,000 nodes takes.
_EDITS: Final = "kpcmd.commands.node_edit"
_LIST: Final = "kpcmd.commands.node_list"

app = noun(
    "The client machines.",
    rest={
        "add": _EDITS,
        "import": _EDITS,
        "show": "kpcmd.commands.node_show",
        "set": _EDITS,
        "rename": _EDITS,
        "rm": _EDITS,
        "lock": "kpcmd.commands.node_lock",
        "unlock": "kpcmd.commands.node_lock",
    },
)
apps = {"node": app}

Kernel = Annotated[
    str | None,
    typer.Option(
        "--kernel", metavar="[IMAGE/]K", help="Those that boot a kernel, of main."
    ),
]
Entry = Annotated[
    str | None,
    typer.Option(
        "--entry",
        metavar="[IMAGE/]NAME",
        help="Those that boot an entry, of main.",
        autocompletion=completion.entries,
    ),
]
Payload = Annotated[
    str | None,
    typer.Option(
        "--payload",
        metavar="P",
        help="Those that boot a payload, of main: its first digits.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--boots-differently-since",
        metavar="REV",
        help="Those that boot otherwise than at a revision, new ones too.",
        autocompletion=completion.revisions,
    ),
]


@verb(
    app,
    "list",
    "kp node list",
    "kp node list n[001-016],@rack1 --json",
    "kp node list --entry rescue",
    "kp node list --boots-differently-since r42",
)
def list_(
    context: typer.Context,
    nodeset: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NODESET]...", help="These only.", autocompletion=completion.nodes
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="Those of an image.",
            autocompletion=completion.images,
        ),
    ] = None,
    kernel: Kernel = None,
    entry: Entry = None,
    payload: Payload = None,
    since: Since = None,
) -> None:
    """List nodes with their images, addresses and next-boot overrides."""
    session = session_of(context)
    booted = {"kernel": kernel, "entry": entry, "payload": payload, "since": since}
    with uncollected():
        every = _nodes(session, nodeset, booted)
        fitting = (node for node in every if image in (None, node["image"]))
        if session.as_json:
            session.out.answer(sorted(fitting, key=itemgetter("name")), ())
        else:  # rows are a tenth of what the nodes take
            header = ("NODE", "IMAGE", "INDEX", "MAC", "IP", "")
            # Lined up where they lie in memory, then sorted: half the time. The blanks
            # behind a name come before any character of one.
            lines = session.out.columns(header, map(_row, fitting))
            session.out.answer(None, [*lines[:1], *sorted(lines[1:])])


def _nodes(
    session: Session, nodeset: list[str] | None, booted: dict[str, str | None]
) -> Iterable[dict[str, Any]]:
    reader = SiteReader(session.root, session.say_once)
    is_asked = any(value is not None for value in booted.values())
    if nodeset or is_asked or reader.may_have_draft(session.world.user):
        every = import_module(_LIST).every
        found: list[dict[str, Any]] = every(session, nodeset, **booted)
        return found
    return reader.nodes(reader.tip())


def _row(node: dict[str, Any]) -> tuple[str, ...]:
    return (
        node["name"],
        node["image"] or "-",
        "-" if node["index"] is None else str(node["index"]),
        " ".join(node["macs"]) or "-",
        " ".join(node["ips"]) or "-",
        f"next {node['next']['entry']}" if node["next"] else "",
    )
