"""How a site's parameters behave: one table, with the rows that the site adds."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from kpstore.errors import InvalidInput
from kpstore.model.params import overlay, single
from kpstore.model.params.layers import Layer, Line
from kpstore.model.params.table import ANY_OTHER, ROWS, Row
from kpstore.model.params.ties import tied
from kpstore.model.params.tokens import RESERVED, key_of

NEWEST: Final = 2
"""The table that new sites are made with."""

_FIRST: Final = "table 1: one value a key, but for those of the site's `repeatable`"
_OF_THE_SITE: Final = "this site's settings"


class _Rows:
    """Rows by key; the longest stem counts where no row names a key itself."""

    def __init__(self, rows: Iterable[Row]) -> None:
        named = {key: row for row in rows for key in row.keys}
        self.keys = {key: row for key, row in named.items() if not key.endswith("*")}
        stems = sorted((k for k in named if k.endswith("*")), key=len, reverse=True)
        self.stems = [(stem[:-1], named[stem]) for stem in stems]

    def find(self, key: str) -> Row | None:
        found = (row for stem, row in self.stems if key.startswith(stem))
        return self.keys.get(key) or next(found, None)


class Rules:
    """The one thing that is asked how parameters behave; see `rules_of`."""

    def __init__(
        self,
        table: int,
        repeatable: Sequence[str] = (),
        append: Sequence[str] = (),
        replace: Sequence[str] = (),
        together: Sequence[Sequence[str]] = (),
    ) -> None:
        self.table = table
        self._repeats = frozenset(map(single.key_of, repeatable))
        self._own = [
            Row("append", _keys(append), _OF_THE_SITE),
            Row("replace", _keys(replace), _OF_THE_SITE),
            *(Row("together", _keys(keys), _OF_THE_SITE) for keys in together),
        ]
        named = {key for row in self._own for key in row.keys}
        tables = (row._replace(keys=_keys(row.keys, named)) for row in ROWS)
        self._levels = _Rows(self._own), _Rows(tables)

    def row_of(self, token: str) -> Row:
        """Return the row of what a token sets: its kind, and who says so."""
        key = key_of(token)
        if self.table == 1:
            repeats = single.key_of(token) in self._repeats
            return Row("append" if repeats else "replace", (key,), _FIRST)
        own, table = self._levels
        return own.find(key) or table.find(key) or ANY_OTHER

    def merge(self, layers: Iterable[Layer]) -> Line:
        """Lay layers over each other, lowest first."""
        if self.table == 1:
            return single.merge(layers, self._repeats)
        return overlay.merge(layers, self.row_of)

    def check_layer(self, layer: Layer) -> None:
        """InvalidInput for a key that is a loader's, or what the table doesn't take."""
        for token in layer.params:
            if key_of(token) in RESERVED:
                raise InvalidInput(
                    f"{layer.origin}: parameter {token!r} is for the loader to set",
                    hint="an initrd belongs to the kernel: kp kernel add --initrd",
                )
        if self.table == 1:
            single.check_layer(layer, self._repeats)

    def check_tie(self, first: Layer, second: Layer) -> None:
        """InvalidInput when two layers of equal priority contradict each other."""
        if self.table == 1:
            found = single.tied(first, second, self._repeats)
        else:
            found = tied(first, second, self.row_of)
        if found:
            raise InvalidInput(
                f"{first.origin} and {second.origin} have the same priority and set "
                f"{found[0]!r} differently: {found[1]} and {found[2]}",
                hint="give one of them a higher one: kp group set GROUP --priority N",
            )

    def check(self) -> None:
        """InvalidInput when the site's own rows contradict each other."""
        own = [key for row in self._own for key in row.keys]
        if own and self.table == 1:
            raise InvalidInput(
                f"the site gives {own[0]!r} a kind, which table 1 has none of",
                hint="table 2 has them: kp site set --params-table 2",
            )
        for key in own:
            if own.count(key) > 1:
                raise InvalidInput(
                    f"the site gives the parameter {key!r} two kinds",
                    hint="name it once, in one of append, replace and together",
                )


def _keys(keys: Iterable[str], without: Iterable[str] = ()) -> tuple[str, ...]:
    return tuple(key for key in map(key_of, keys) if key not in set(without))


def rules_of(settings: Mapping[str, Any]) -> Rules:
    """Return the rules of a site's settings, as site.json has them."""
    return _rules(
        settings.get("params_table", 1),
        tuple(settings["repeatable"]),
        tuple(settings.get("params_append", ())),
        tuple(settings.get("params_replace", ())),
        tuple(map(tuple, settings.get("params_together", ()))),
    )


_rules = lru_cache(maxsize=8)(Rules)
