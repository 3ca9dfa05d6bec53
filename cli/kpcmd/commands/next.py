"""`kp next`: what nodes boot next, instead of their image's default."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import committing
from kpcmd.arguments.nodesets import chosen
from kpcmd.arguments.options import DryRun, Force, Why, Yes
from kpcmd.arguments.parameters import NextCommand, line_of, say, tokens_of
from kpcmd.editing import Way, edit, nodes_of
from kpcmd.errors import CONFLICT, LAGGING, LOCKED, WrongUsage
from kpcmd.frame import alone, session_of
from kpcmd.opening import picker
from kpstore.edits import nodes
from kpstore.errors import Refused
from kpstore.model.nodesets import fold
from kpstore.model.params.tokens import compose
from kpstore.model.state import State
from kpstore.queries.next_boots import booting

app = alone()
apps = {"next": app}


@committing(
    app,
    "next",
    "kp next n[001-004] --entry rescue -m 'disks are being looked at'",
    "kp next n001 --entry new --force 'the switch was at fault'",
    "kp next n[001-004] --clear",
    "kp next --list",
    exits=(CONFLICT, LAGGING, LOCKED),
    cls=NextCommand,
)
def next_(
    context: typer.Context,
    nodeset: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NODESET]...", help="Nodes.", autocompletion=completion.nodes
        ),
    ] = None,
    entry: Annotated[
        str | None,
        typer.Option(
            "--entry",
            metavar="[IMAGE/]NAME",
            help="What to boot.",
            autocompletion=completion.entries,
        ),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Back to the image's default.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List the overrides there are.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="One boot only; not yet possible.")
    ] = False,
    force: Force = "",
    message: Why = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> int:
    """Override what nodes boot next, until it is cleared. Live at once."""
    session = session_of(context)
    line, tokens = line_of(context), tokens_of(context)
    shapes = bool(line or tokens)
    _check(entry, clear=clear, listed=list_, params=shapes)
    if list_:
        return _list(context, nodeset)
    if not nodeset:
        raise WrongUsage("which nodes?", hint="kp next NODESET --entry NAME")
    _refuse_once(once=once)
    what = f"boot {entry}" if entry else "cleared" if clear else "other parameters"
    text = f"next: {','.join(nodeset)} {what}"
    way = Way("next", message or text, dry_run, yes, force, beside_draft=True)

    def change(state: State) -> None:
        names = nodes_of(session, state, nodeset)
        if clear:
            nodes.clear_next(state, names)
        elif entry is None:
            say(session, nodes.change_next(state, names, **line, **tokens))
        else:
            say(session, nodes.set_next(state, names, entry, **line, **tokens))

    return edit(session, way, change)


def _check(entry: str | None, *, clear: bool, listed: bool, params: bool) -> None:
    asked = (entry is not None) + clear + listed
    if asked > 1 or not (asked or params):
        raise WrongUsage(
            "say one of --entry NAME, --clear, --list",
            hint="kp next NODESET --entry NAME",
        )
    if params and (clear or listed):
        raise WrongUsage(
            "--add-param and its like go with --entry, or a next boot that is there",
            hint="kp next NODESET --entry NAME --add-param P",
        )


def _refuse_once(*, once: bool) -> None:
    if once:
        raise Refused(
            "--once is not possible yet: nothing would end it after the boot",
            hint="leave it out, and kp next NODESET --clear afterwards",
        )


def _list(context: typer.Context, nodeset: list[str] | None) -> int:
    session = session_of(context)
    opened = picker(session)
    tip = opened.site.tip()
    _, boots = booting(opened.site, tip)  # by the index: no node is read that has none
    every = chosen(opened.view(tip), (), nodeset or sorted(boots), None)
    found = list(_overrides(every))
    alike: dict[tuple[str, ...], list[str]] = {}
    for each in found:
        without = [f"without {token}" for token in each.get("without", ())]
        params = " ".join(filter(None, (compose(each["params"]), *without)))
        key = (each["image"] or "-", each["entry"], params)
        alike.setdefault(key, []).append(each["node"])
    rows = [(fold(names), f"{len(names):,}", *key) for key, names in alike.items()]
    header = ("NODES", "NUMBER", "IMAGE", "NEXT", "PARAMETERS")
    session.out.answer(found, session.out.columns(header, rows))
    return 0


def _overrides(every: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in every:
        if node["next"]:
            yield {"node": node["name"], "image": node["image"], **node["next"]}
