"""`kp site`: the settings that are versioned with everything else."""

from collections.abc import Iterator
from typing import Any

import typer

from kpcmd.arguments.committing import ForcibleCommand, editing, way_of
from kpcmd.arguments.options import (
    AllowParams,
    ForbidParams,
    RequireParams,
    check_choice,
    check_given,
    demands_of,
)
from kpcmd.arguments.settings import (
    POLICIES,
    Append,
    ByTable,
    ConfirmAbove,
    Kept,
    Name,
    ParamsTable,
    RemoveVariables,
    Replace,
    Together,
    UnknownNodes,
    Variables,
    kinds_of,
    retention_of,
    rule_text,
    rules_of,
    time_text,
)
from kpcmd.editing import edit
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpstore.edits import site
from kpstore.model.documents import Site
from kpstore.model.folding import counted
from kpstore.model.params.tokens import compose
from kpstore.model.state import State

app = noun("The site's own settings, versioned like all else.")
apps = {"site": app}


@verb(app, "show", "kp site show", "kp site show --json")
def show(context: typer.Context) -> None:
    """Show the settings."""
    session = session_of(context)
    settings = picker(session).view().site()
    document = dict(settings) | settings.model_dump(mode="json")
    session.out.answer(document, _lines(settings))


def _lines(settings: Site) -> Iterator[str]:
    kept = settings.retention
    yield f"name           {settings.name}"
    yield f"id             {settings.id}"
    yield f"unknown nodes  {settings.unknown_nodes}"
    yield f"confirm above  {counted(settings.confirm_above, 'node')}"
    yield f"retention      generations={kept.generations}"
    yield f"               known_good={kept.known_good}"
    yield f"               grace={time_text(kept.grace)}"
    yield f"parameters     {'; '.join(_kinds(settings))}"
    for word in ("required", "forbidden"):
        if demands := getattr(settings, f"{word}_params"):
            yield f"{word:<15}{compose(demands)}"
    for why, nodes in settings.locks.items():
        yield f"locked         {nodes} ({why})"
    label = "variables"
    for name, rule in sorted(settings.variables.items()):
        yield f"{label:<15}{name}={rule_text(rule)}"
        label = ""


def _kinds(settings: Site) -> Iterator[str]:
    yield f"table {settings.params_table}"
    first = settings.params_table == 1
    for kind, keys in (
        ("append", settings.repeatable if first else settings.params_append),
        ("replace", settings.params_replace),
        *(("together", keys) for keys in settings.params_together),
    ):
        if keys:
            yield f"{kind} {' '.join(keys)}"


@editing(
    app,
    "set",
    "kp site set --confirm-above 200",
    "kp site set --retention generations=20 --retention grace=2d -m 'more room now'",
    "kp site set --variable slot=unique,1..48 --remove-variable rack",
    "kp site set --require-param crashkernel -m 'dumps are wanted'",
    "kp site set --params-table 2 -n",
    "kp site set --append mymod.opt --together 'ro rw'",
    cls=ForcibleCommand,
)
def set_(
    context: typer.Context,
    name: Name = None,
    confirm_above: ConfirmAbove = None,
    retention: Kept = None,
    variable: Variables = None,
    remove_variable: RemoveVariables = None,
    unknown_nodes: UnknownNodes = None,
    params_table: ParamsTable = None,
    append: Append = None,
    replace: Replace = None,
    together: Together = None,
    by_table: ByTable = None,
    require_param: RequireParams = None,
    forbid_param: ForbidParams = None,
    allow_param: AllowParams = None,
) -> int:
    """Set what is given; the rest stays. A plan counts the nodes that it moves."""
    given: dict[str, Any] = {
        "name": name,
        "confirm_above": confirm_above,
        "unknown_nodes": unknown_nodes,
    }
    lists = (retention, variable, remove_variable, append, replace, together, by_table)
    demands = demands_of(require_param, forbid_param, allow_param)
    check_given(*given.values(), params_table, *lists, *(d or None for d in demands))
    check_choice("--unknown-nodes", unknown_nodes, POLICIES)
    fields = {field: value for field, value in given.items() if value is not None}
    kept, rules = retention_of(retention or ()), rules_of(variable or ())
    kinds = kinds_of(append, replace, together, by_table)

    def change(state: State) -> None:
        site.change(
            state,
            fields,
            retention=kept,
            variables=rules,
            forget=tuple(remove_variable or ()),
        )
        site.set_kinds(state, kinds, params_table)
        site.demand(state, *demands)

    return edit(session_of(context), way_of(context, "site set"), change)
