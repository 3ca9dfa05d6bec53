"""`kp site`: the settings that are versioned with everything else."""

from collections.abc import Iterator
from typing import Any

import typer

from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.options import check_choice, check_given
from kpcmd.arguments.settings import (
    POLICIES,
    ConfirmAbove,
    Kept,
    Name,
    RemoveVariables,
    UnknownNodes,
    Variables,
    retention_of,
    rule_text,
    rules_of,
    time_text,
)
from kpcmd.editing import edit
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpcmd.views.outcomes import count
from kpstore.edits import site
from kpstore.model.documents import Site
from kpstore.model.state import State

app = noun("The site's own settings, versioned like all else.")
apps = {"site": app}


@verb(app, "show", "kp site show", "kp site show --json")
def show(context: typer.Context) -> None:
    """Show the settings."""
    session = session_of(context)
    settings = picker(session).view().site()
    session.out.answer(settings.model_dump(mode="json"), _lines(settings))


def _lines(settings: Site) -> Iterator[str]:
    kept = settings.retention
    yield f"name           {settings.name}"
    yield f"id             {settings.id}"
    yield f"unknown nodes  {settings.unknown_nodes}"
    yield f"confirm above  {count(settings.confirm_above)}"
    yield f"retention      generations={kept.generations}"
    yield f"               known_good={kept.known_good}"
    yield f"               grace={time_text(kept.grace)}"
    label = "variables"
    for name, rule in sorted(settings.variables.items()):
        yield f"{label:<15}{name}={rule_text(rule)}"
        label = ""


@editing(
    app,
    "set",
    "kp site set --confirm-above 200",
    "kp site set --retention generations=20 --retention grace=2d -m 'more room now'",
    "kp site set --variable slot=unique,1..48 --remove-variable rack",
)
def set_(
    context: typer.Context,
    name: Name = None,
    confirm_above: ConfirmAbove = None,
    retention: Kept = None,
    variable: Variables = None,
    remove_variable: RemoveVariables = None,
    unknown_nodes: UnknownNodes = None,
) -> int:
    """Set what is given; the rest stays. A plan counts the nodes that it moves."""
    given: dict[str, Any] = {
        "name": name,
        "confirm_above": confirm_above,
        "unknown_nodes": unknown_nodes,
    }
    check_given(*given.values(), retention, variable, remove_variable)
    check_choice("--unknown-nodes", unknown_nodes, POLICIES)
    fields = {field: value for field, value in given.items() if value is not None}
    kept, rules = retention_of(retention or ()), rules_of(variable or ())

    def change(state: State) -> None:
        site.change(
            state,
            fields,
            retention=kept,
            variables=rules,
            forget=tuple(remove_variable or ()),
        )

    return edit(session_of(context), way_of(context, "site set"), change)
