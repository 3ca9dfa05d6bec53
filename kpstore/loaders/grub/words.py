"""Words of GRUB's script language, with their variables filled in.

By grub-core/script/execute.c: what a variable outside quotes holds is split at
blanks, those at its beginning and end count nothing; a word that comes to nothing is
none, unless it was quoted.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from kpstore.loaders.grub.script import Piece, Word

SPECIAL: Final = re.compile(r"[0-9].*|[#*@]", re.DOTALL)
"""Names that are no variables: they stand for a function's arguments."""
Lookup = Callable[[str], str]


def fill(words: Iterable[Word], get: Lookup, args: Sequence[str]) -> list[str]:
    """Return the words that a command gets; `args` are a function's own."""
    return [text for word in words for text in _filled(word, get, args)]


def _filled(word: Word, get: Lookup, args: Sequence[str]) -> list[str]:
    made: list[str | None] = [None]
    for piece in word:
        parts = _parts(piece, get, args)
        for number, part in enumerate(parts):
            if number and made[-1] is not None:
                made.append(None)
            made[-1] = (made[-1] or "") + part
    return [text for text in made if text is not None]


def _parts(piece: Piece, get: Lookup, args: Sequence[str]) -> list[str]:
    """Return what a piece adds: nothing, or parts that words are broken between."""
    if not piece.variable:
        return [] if piece.bare and not piece.text else [piece.text]
    values = _values(piece, get, args)
    if not piece.bare:
        return values
    return [part for value in values for part in value.split()]


def _values(piece: Piece, get: Lookup, args: Sequence[str]) -> list[str]:
    match piece.text:
        case "@":
            return list(args)
        case "*":
            return list(args) if piece.bare else [" ".join(args)]
        case "#":
            return [str(len(args))]
        case number if number.isdigit():
            at = int(number[:9])
            return [args[at - 1]] if 0 < at <= len(args) else []
        case name:
            value = get(name)
            return [value] if value else []
