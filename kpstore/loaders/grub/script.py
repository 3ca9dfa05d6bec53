"""Reading GRUB's script language: kp's own files and others'.

Nothing is executed. Follows the GRUB manual, "Quoting" and "Variable expansion".
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.loaders.menu import variable_of

_KEYWORDS: Final = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "do", "done", "!"}
)
_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r]+ | \\\n)
      | (?P<comment>\#[^\n]*)
      | (?P<end>[;\n{}]|\|\||&&|[|&<>])
      | (?P<word>(?:'[^']*' | "(?:[^"\\]|\\.)*" | \\. | \$\{[^}\n]*\} | \$
                  | [^\s'"\\;|&<>{}$])+)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED: Final = re.compile(
    r"""'(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | \\(?P<escaped>.)
      | (?P<bare>[^'"\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""\$\{(?P<braced>[A-Za-z0-9_?#@*]+)\} | \$(?P<named>[A-Za-z_][A-Za-z0-9_]*)
      | \\(?P<escaped>[$\"\\]) | (?P<text>[^$\\]+ | .)""",
    re.VERBOSE | re.DOTALL,
)
_NOT_OWN: Final = ("\\", "\r", "`", "${")


class Piece(NamedTuple):
    """A part of a word: its text, or the name of a variable that stands there.

    `bare`: outside quotes, so that a variable's value would be split at blanks.
    """

    text: str
    variable: bool = False
    bare: bool = False


Word = tuple[Piece, ...]


class Statement(NamedTuple):
    """A command's words, without `if`, `then` and the like, and what ends it."""

    words: list[Word]
    end: str


def statements(text: str) -> Iterator[Statement]:
    """Yield the commands; InvalidInput where a quote is not closed.

    One without words is yielded for what ends it: a brace, say.
    """
    words: list[Word] = []
    for kind, token in _tokens(text):
        if kind == "word":
            word = tuple(_pieces(token))
            if words or plain(word) not in _KEYWORDS:
                words.append(word)
        else:
            yield Statement(words, token)
            words = []


def plain(word: Word) -> str:
    """Return a word that has no variables, or as it is with none filled in."""
    return "".join(f"${each.text}" if each.variable else each.text for each in word)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidInput(f"not GRUB's syntax at {text[at : at + 40]!r}")
        at, kind = found.end(), found.lastgroup or ""
        if kind not in ("blank", "comment"):
            yield kind, found[0]
    yield "end", "\n"


def _pieces(word: str) -> Iterator[Piece]:
    for found in _QUOTED.finditer(word):
        match found.lastgroup:
            case "single" | "escaped":
                yield Piece(found[found.lastgroup])
            case "double":
                yield from _filled(found["double"], bare=False)
            case _:
                yield from _filled(found["bare"], bare=True)


def _filled(text: str, *, bare: bool) -> Iterator[Piece]:
    for found in _PIECE.finditer(text):
        kind = found.lastgroup or ""
        yield Piece(found[kind], kind in ("braced", "named"), bare)


def commands(text: str) -> list[list[str]]:
    """Return the commands of a file of kp's own, each a list of words.

    A variable of a node comes back as its reference (`{node.index}`), any other as
    `{its name}`: no literal text holds braces. InvalidInput for what kp doesn't write.
    """
    if any(each in text for each in _NOT_OWN):
        raise InvalidInput("not GRUB as kp writes it: an escape, or a form of its own")
    found = []
    for words, end in statements(text):
        if end not in (";", "\n", "{", "}"):
            raise InvalidInput(f"not GRUB as kp writes it: {end}")
        if words:
            found.append(["".join(map(_own, word)) for word in words])
    return found


def _own(piece: Piece) -> str:
    if piece.variable:
        variable = variable_of(piece.text)
        return f"{{node.{variable}}}" if variable else f"{{{piece.text}}}"
    if set(piece.text) & set("{}") or (piece.bare and "$" in piece.text):
        raise InvalidInput(f"not GRUB as kp writes it: {piece.text!r} in a word")
    return piece.text
