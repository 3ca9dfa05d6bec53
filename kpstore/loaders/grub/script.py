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
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[?#*@]"
_TOKEN: Final = re.compile(
    rf"""(?P<blank>[ \t\r]+ | \\\n)
      | (?P<comment>\#[^\n]*)
      | (?P<end>;;|[;\n{{}}]|\|\||&&|[|&<>])
      | (?P<word>(?:'[^']*' | \$?"(?:[^"\\]|\\.)*" | \\. | \$\{{(?:{_NAME})\}}
                  | \$(?:{_NAME}) | [^\s'"\\;|&<>{{}}$])+)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED: Final = re.compile(
    r"""'(?P<single>[^']*)' | \$?"(?P<double>(?:[^"\\]|\\.)*)" | \\(?P<escaped>.)
      | (?P<bare>(?:[^'"\\$]|\$(?!"))+)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    rf"""\$\{{(?P<braced>{_NAME})\}} | \$(?P<named>{_NAME}) | \\(?P<gone>\n)
      | \\(?P<escaped>[$\"\\]) | (?P<text>[^$\\]+ | \\)""",
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
    for kind, token in tokens_of(text):
        if kind == "word":
            word = pieces_of(token)
            if words or plain(word) not in _KEYWORDS:
                words.append(word)
        else:
            yield Statement(words, token)
            words = []


def plain(word: Word) -> str:
    """Return a word that has no variables, or as it is with none filled in."""
    return "".join(f"${each.text}" if each.variable else each.text for each in word)


def tokens_of(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a script is made of: "word" or "end", and its text as it stands."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidInput(f"not GRUB's syntax at {text[at : at + 40]!r}")
        at, kind = found.end(), found.lastgroup or ""
        if kind not in ("blank", "comment"):
            yield kind, found[0]
    yield "end", "\n"


def pieces_of(word: str) -> Word:
    """Return a word's parts; quotes are a part, were they empty."""
    return tuple(_pieces(word))


def _pieces(word: str) -> Iterator[Piece]:
    for found in _QUOTED.finditer(word):
        match found.lastgroup:
            case "single":
                yield Piece(found["single"])
            case "escaped":
                yield Piece(found["escaped"].strip("\n"), bare=found[0] == "\\\n")
            case "double":
                yield Piece("")
                yield from _filled(found["double"], bare=False)
            case _:
                yield from _filled(found["bare"], bare=True)


def _filled(text: str, *, bare: bool) -> Iterator[Piece]:
    at = 0
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise InvalidInput(f"not GRUB's syntax at {text[at : at + 40]!r}")
        at, kind = found.end(), found.lastgroup or ""
        if kind != "gone":
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
        if not piece.text.isidentifier():
            raise InvalidInput(f"not GRUB as kp writes it: ${piece.text}")
        variable = variable_of(piece.text)
        return f"{{node.{variable}}}" if variable else f"{{{piece.text}}}"
    if set(piece.text) & set("{}") or (piece.bare and "$" in piece.text):
        raise InvalidInput(f"not GRUB as kp writes it: {piece.text!r} in a word")
    return piece.text
