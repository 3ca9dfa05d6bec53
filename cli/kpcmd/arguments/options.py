"""Options and arguments that several verbs share, each declared once."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import typer

from kpcmd.arguments import completion
from kpcmd.errors import WrongUsage


def reason(context: typer.Context, value: str) -> str:
    """Hold --force to a reason, where it is given at all."""
    source = context.get_parameter_source("force")
    if source is not None and source.name == "COMMANDLINE" and not value.strip():
        raise typer.BadParameter("--force needs a reason: it is recorded")
    return value.strip()


def check_given(*values: object) -> None:
    """WrongUsage when `set` is told nothing to set."""
    if all(value is None for value in values):
        raise WrongUsage("nothing to set: name a field")


def check_choice(option: str, value: str | None, choices: Sequence[str]) -> None:
    """WrongUsage when an option has a word that it doesn't know."""
    if value is not None and value not in choices:
        raise WrongUsage(
            f"{option} {value!r} is not known", hint=f"one of {', '.join(choices)}"
        )


def message(**more: Any) -> Any:
    """Return -m of what goes into the draft without it."""
    text = "Commit and publish at once."
    return typer.Option("-m", "--message", metavar="MSG", help=text, **more)


def dry_run(**more: Any) -> Any:
    """Return -n."""
    return typer.Option("-n", "--dry-run", help="Show what would change.", **more)


def yes(**more: Any) -> Any:
    """Return -y."""
    text = "Don't ask, however many nodes change."
    return typer.Option("-y", "--yes", help=text, **more)


def force(**more: Any) -> Any:
    """Return --force, whose callback should hold it to a `reason`."""
    text = "Have a known-bad payload booted."
    return typer.Option("--force", metavar="REASON", help=text, **more)


Why = Annotated[
    str | None, typer.Option("-m", "--message", metavar="MSG", help="Say why.")
]
DryRun = Annotated[bool, dry_run()]
Yes = Annotated[bool, yes()]
Force = Annotated[str, force(callback=reason)]
Mismatch = Annotated[
    bool,
    typer.Option("--force-mismatch", help="Take files that don't belong together."),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait", metavar="SECONDS", min=0, help="How long to wait for the lock."
    ),
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


class Demands(NamedTuple):
    """Parameters that are required, forbidden, and neither any more."""

    required: tuple[str, ...]
    forbidden: tuple[str, ...]
    allowed: tuple[str, ...]


RequireParams = Annotated[
    list[str] | None,
    typer.Option("--require-param", metavar="P", help="One that every line must have."),
]
ForbidParams = Annotated[
    list[str] | None,
    typer.Option("--forbid-param", metavar="P", help="One that no line may have."),
]
AllowParams = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-param", metavar="P", help="One neither required nor forbidden again."
    ),
]


def demands_of(
    required: list[str] | None, forbidden: list[str] | None, allowed: list[str] | None
) -> Demands:
    """Return what was given; WrongUsage for one that is meant in two ways."""
    given = Demands(*(tuple(each or ()) for each in (required, forbidden, allowed)))
    named = [each for which in given for each in set(which)]
    for each in named:
        if named.count(each) > 1:
            raise WrongUsage(
                f"{each!r} is to be required, forbidden or allowed, one of them",
                hint="leave the others out",
            )
    return given
