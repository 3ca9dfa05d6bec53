"""Options and arguments that several verbs share, each declared once."""

from typing import Annotated

import typer

from kpcmd import completion

Message = Annotated[
    str | None,
    typer.Option("-m", "--message", metavar="MSG", help="Commit and publish at once."),
]
Why = Annotated[
    str | None, typer.Option("-m", "--message", metavar="MSG", help="Say why.")
]
DryRun = Annotated[
    bool,
    typer.Option("-n", "--dry-run", help="Show what would change."),
]
Yes = Annotated[
    bool, typer.Option("-y", "--yes", help="Don't ask, however many nodes change.")
]
Force = Annotated[
    str,
    typer.Option(
        "--force",
        metavar="REASON",
        help="Make a known-bad payload default.",
    ),
]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", help="How long to wait for the lock."),
]

ImageArg = Annotated[
    str,
    typer.Argument(metavar="IMAGE", help="An image.", autocompletion=completion.images),
]
EntryArg = Annotated[
    str,
    typer.Argument(
        metavar="ENTRY", help="A boot entry.", autocompletion=completion.entries
    ),
]
KernelArg = Annotated[
    str,
    typer.Argument(
        metavar="KERNEL", help="A kernel.", autocompletion=completion.kernels
    ),
]
NodeArg = Annotated[
    str,
    typer.Argument(metavar="NODE", help="A node.", autocompletion=completion.nodes),
]
GroupArg = Annotated[
    str,
    typer.Argument(metavar="GROUP", help="A group.", autocompletion=completion.groups),
]
TargetArg = Annotated[
    str,
    typer.Argument(
        metavar="TARGET", help="A target.", autocompletion=completion.targets
    ),
]
RevArg = Annotated[
    str,
    typer.Argument(
        metavar="REV",
        help="r42, a commit id, HEAD~2, @{2026-11-20 14:00}.",
        autocompletion=completion.revisions,
    ),
]
NodeSets = Annotated[
    list[str],
    typer.Argument(
        metavar="NODESET...",
        help="Nodes: n[001-100],@rack1.",
        autocompletion=completion.nodes,
    ),
]
AddParams = Annotated[
    list[str] | None,
    typer.Option("--add-param", metavar="P", help="A kernel parameter to add."),
]
RemoveParams = Annotated[
    list[str] | None,
    typer.Option(
        "--remove-param", metavar="P", help="A parameter, or its key, to remove."
    ),
]
Params = Annotated[
    str | None,
    typer.Option("--params", metavar="P", help="All kernel parameters, as one text."),
]
