"""How kp reads a command line: what each token sets, and what a later layer's does."""

import re
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.model import names
from kpstore.model.params.rules import Rules
from kpstore.model.params.tokens import COPIED, INIT, RESERVED, key_of, split

_TOKEN: Final = re.compile(names.PARAMETER)
_MARKS: Final = {
    INIT: "Linux, kernel/params.c: what follows is for init; later layers stand before",
    COPIED: "Debian, the installer's guide: it copies what follows; later layers stand "
    "before",
}


class TokenRead(NamedTuple):
    """One token: its key, the kind of that, the keys of its set, and who says so.

    Beside the kinds of the table there are `mark`, `init` and `loader`.
    """

    token: str
    key: str
    kind: str
    together: tuple[str, ...]
    source: str


def read_line(rules: Rules, line: str) -> list[TokenRead]:
    """Read a line as one layer; InvalidInput for tokens outside the grammar."""
    tokens = split(line)
    if wrong := [token for token in tokens if not _TOKEN.fullmatch(token)]:
        raise InvalidInput(
            f"kp can't pass on {', '.join(map(repr, wrong))}",
            hint="quotes within a token, backslashes and braces are taken by no loader "
            "alike: docs/adr/0005",
        )
    at = tokens.index(INIT) if INIT in tokens else len(tokens)
    own = [
        TokenRead(token, token, "init", (), _MARKS[INIT]) for token in tokens[at + 1 :]
    ]
    return [*(_read(rules, token) for token in tokens[: at + 1]), *own]


def _read(rules: Rules, token: str) -> TokenRead:
    key = key_of(token)
    if token in _MARKS:
        return TokenRead(token, token, "mark", (), _MARKS[token])
    if key in RESERVED:
        return TokenRead(token, key, "loader", (), "a loader sets it: no layer may")
    row = rules.row_of(token)
    together = row.keys if row.kind == "together" else ()
    return TokenRead(token, key, row.kind, together, row.source)
