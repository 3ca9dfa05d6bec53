"""Edits of the site's own settings."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from kpstore.errors import InvalidInput
from kpstore.model import names
from kpstore.model.documents import VariableRule
from kpstore.model.keys import Key
from kpstore.model.names import missing
from kpstore.model.state import State
from kpstore.model.validation import make, replace

_VARIABLE: Final = re.compile(names.VARIABLE)


def change(
    state: State,
    fields: Mapping[str, Any],
    *,
    retention: Mapping[str, int] | None = None,
    variables: Mapping[str, Mapping[str, Any]] | None = None,
    forget: Collection[str] = (),
) -> None:
    """Set fields; single numbers of `retention`; rules of `variables`, each as a whole.

    `forget` are variables that have no rule any more.
    """
    site = state.site()
    kept = replace(site.retention, retention or {}, "retention")
    rules = {name: rule for name, rule in site.variables.items() if name not in forget}
    for name in forget:
        if name not in site.variables:
            raise missing("rule of a variable", name, site.variables)
    for name, rule in (variables or {}).items():
        rules[name] = _rule(name, rule)
    changed = {**fields, "retention": kept, "variables": rules}
    state.put(Key("site"), replace(site, changed, "site"))


def _rule(name: str, fields: Mapping[str, Any]) -> VariableRule:
    if not _VARIABLE.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is not the name of a variable",
            hint="letters, digits and _, starting with a letter or _, 32 at most",
        )
    rule = make(VariableRule, fields, f"variable {name}")
    low, high = rule.minimum, rule.maximum
    if low is not None and high is not None and low > high:
        raise InvalidInput(
            f"variable {name}: nothing lies in {low}..{high}",
            hint=f"the lower bound first: {name}={high}..{low}",
        )
    return rule
