"""Reading GRUB's script language, as far as kp writes it.

Shared by the readers of the network menu and of `grub.cfg`; the writers quote by
themselves. Follows the GRUB manual, "Quoting" and "Variable expansion".
"""

import re
from collections.abc import Iterator
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.menu import variable_of

_KEYWORDS: Final = frozenset({"if", "then", "else", "fi", "for", "do", "done"})
_PIECE: Final = re.compile(
    r"""(?P<single>'[^']*')
      | (?P<double>"[^"\\`]*")
      | \$(?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<end>[;\n{}])
      | (?P<blank>[ \t]+ | (?:^|(?<=[\s;])) \#[^\n]*)
      | (?P<plain>[^\s'"$;{}|&<>\\`]+)""",
    re.VERBOSE,
)
_NAME: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def commands(text: str) -> list[list[str]]:
    """Return the commands, each a list of words, without `if`, `then` and the like.

    A variable of a node comes back as its reference (`{node.index}`), any other as
    `{its name}`: no literal text holds braces.
    """
    found: list[list[str]] = [[]]
    word: list[str] | None = None
    for kind, piece in _pieces(text):
        if kind in ("blank", "end"):
            if word is not None:
                found[-1].append("".join(word))
            word = None
            if kind == "end":
                found.append([])
        else:
            word = [*(word or []), piece]
    if word is not None:
        found[-1].append("".join(word))
    return [command for words in found if (command := _command(words))]


def _command(words: list[str]) -> list[str]:
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    return words


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:
            raise InvalidInput(f"not GRUB as kp writes it: {text[at : at + 40]!r}")
        at, kind = match.end(), match.lastgroup or ""
        yield kind, _meaning(kind, match[kind])


def _meaning(kind: str, text: str) -> str:
    match kind:
        case "single":
            return _literal(text[1:-1])
        case "double":
            literal, *rest = _NAME.split(text[1:-1])
            pairs = zip(rest[::2], rest[1::2], strict=True)
            filled = (_reference(name) + _literal(tail) for name, tail in pairs)
            return "".join([_literal(literal), *filled])
        case "name":
            return _reference(text)
        case _:
            return text


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise InvalidInput(f"braces in a GRUB word: {text!r}")
    return text


def _reference(name: str) -> str:
    variable = variable_of(name)
    return f"{{node.{variable}}}" if variable else f"{{{name}}}"
