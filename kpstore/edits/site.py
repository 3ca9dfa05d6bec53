"""Edits of the site's own settings."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kpstore.errors import InvalidInput
from kpstore.model import names
from kpstore.model.documents import Site, VariableRule
from kpstore.model.keys import Key
from kpstore.model.names import missing
from kpstore.model.params.demands import demanded
from kpstore.model.params.tokens import key_of
from kpstore.model.state import State
from kpstore.model.validation import make, replace

_VARIABLE: Final = re.compile(names.VARIABLE)
_KEY: Final = re.compile(names.PARAMETER_KEY)


@dataclass(frozen=True)
class Kinds:
    """Keys of parameters, and the kind that each is to have in this site.

    `together` are sets; `by_table` go by the table alone again.
    """

    append: Sequence[str] = ()
    replace: Sequence[str] = ()
    together: Sequence[Sequence[str]] = ()
    by_table: Sequence[str] = ()

    @property
    def named(self) -> list[str]:
        """Return all keys, as they were given."""
        sets = (self.append, self.replace, self.by_table, *self.together)
        return [key for keys in sets for key in keys]

    @property
    def keys(self) -> set[str]:
        """Return them as the table names them."""
        return set(map(key_of, self.named))


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


def demand(
    state: State,
    required: Collection[str] = (),
    forbidden: Collection[str] = (),
    allowed: Collection[str] = (),
) -> None:
    """Require and forbid parameters of what any node boots, or do so no more."""
    site = state.site()
    fields = demanded(site, required, forbidden, allowed)
    state.put(Key("site"), replace(site, fields, "site"))


def set_kinds(state: State, kinds: Kinds, table: int | None = None) -> None:
    """Change to a table, and give keys kinds of this site's own; the last word counts.

    Table 1 knows keys that add up (`repeatable`), and others.
    """
    site = state.site()
    if table is not None:
        site = replace(site, {"params_table": table}, "site")
    for key in kinds.named:
        if not _KEY.fullmatch(key):
            raise InvalidInput(
                f"{key!r} is not the key of a parameter",
                hint="what stands before the =: console, rd.lvm.lv; a final * stands "
                "for all that begin so",
            )
    rows = _repeatable(site, kinds) if site.params_table == 1 else _rows(site, kinds)
    state.put(Key("site"), replace(site, rows, "site"))


def _repeatable(site: Site, kinds: Kinds) -> dict[str, Any]:
    if kinds.together or kinds.by_table:
        raise InvalidInput(
            "parameters of this site go by table 1, where a key adds up or replaces",
            hint="kp site set --params-table 2",
        )
    others = _but(site.repeatable, kinds.keys)
    return {"repeatable": (*others, *kinds.append)}


def _rows(site: Site, kinds: Kinds) -> dict[str, Any]:
    sets = (_but(keys, kinds.keys) for keys in site.params_together)
    together = [keys for keys in sets if len(keys) > 1]
    own = {*site.params_append, *site.params_replace}
    own |= {key for keys in site.params_together for key in keys}
    for key in kinds.by_table:
        if key_of(key) not in map(key_of, own):
            raise missing("parameter of a kind of this site's own", key, own)
    return {
        "params_append": (*_but(site.params_append, kinds.keys), *kinds.append),
        "params_replace": (*_but(site.params_replace, kinds.keys), *kinds.replace),
        "params_together": (*together, *map(tuple, kinds.together)),
    }


def _but(keys: Iterable[str], gone: Collection[str]) -> tuple[str, ...]:
    return tuple(key for key in keys if key_of(key) not in gone)
