"""GRUB's scripts as syntax trees, by the grammar of GRUB (grub-core/script/parser.y).

Functions stand at the top of a script only, and what is in braces or between
keywords is never empty: GRUB refuses the rest, and so does this.
"""

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final, NoReturn

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.script import Word, pieces_of, tokens_of

_RESERVED: Final = frozenset(
    {"case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "select"}
    | {"then", "until", "while", "function", "[[", "]]"}
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMMENT_LINE: Final = re.compile(r"^#.*\n?", re.MULTILINE)
_MOST: Final = 100_000  # words and signs; a kernel's entry has some fifty
_DEEPEST: Final = 32  # blocks within blocks; grub-mkconfig's go four deep


@dataclass(frozen=True, slots=True)
class Command:
    """A command's words, and what is in its braces."""

    words: tuple[Word, ...]
    block: "Script | None" = None


@dataclass(frozen=True, slots=True)
class If:
    """Conditions with what they guard, in their order, and what is left for `else`."""

    branches: tuple[tuple["Script", "Script"], ...]
    otherwise: "Script"


@dataclass(frozen=True, slots=True)
class While:
    """A loop; `until` ends it where the condition holds."""

    condition: "Script"
    body: "Script"
    until: bool


@dataclass(frozen=True, slots=True)
class For:
    """A loop over words."""

    name: str
    words: tuple[Word, ...]
    body: "Script"


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it is defined."""

    name: str
    body: "Script"


Node = Command | If | While | For | Function
Script = tuple[Node, ...]


def parse(text: str) -> Script:
    """Read a script; InvalidInput says what is not GRUB's syntax."""
    if text.endswith("\\\n"):
        raise InvalidInput("it ends where a line goes on")
    return _Parser(text).script()


def parse_file(text: str) -> Script:
    """Read a file: GRUB takes no line of it that begins with `#`, nor a return."""
    return parse(_COMMENT_LINE.sub("", text.replace("\r", "")))


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(islice(tokens_of(text), _MOST + 1))
        if len(self._tokens) > _MOST:
            raise InvalidInput(f"it has more than {_MOST:,} words")
        self._at = 0
        self._depth = 0

    def script(self) -> Script:
        found: list[Node] = []
        self._newlines()
        while self._at < len(self._tokens):
            found.append(self._function() if self._is("function") else self._command())
            if not self._separated():
                self._refuse()
            self._newlines()
        return tuple(found)

    # --- tokens

    def _token(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise InvalidInput("it ends too early: a block or an if is not closed")
        return self._tokens[self._at]

    def _is(self, *texts: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at][1] in texts

    def _take(self, text: str) -> None:
        if self._token()[1] != text:
            self._refuse()
        self._at += 1

    def _name(self) -> str:
        text = self._token()[1]
        if not _NAME.fullmatch(text) or text in _RESERVED:
            self._refuse()
        self._at += 1
        return text

    def _newlines(self) -> None:
        while self._is("\n"):
            self._at += 1

    def _separated(self) -> bool:
        """Take a `;` or the end of a line, and the empty lines after it."""
        if not self._is(";", "\n"):
            return False
        self._at += 1
        self._newlines()
        return True

    def _refuse(self) -> NoReturn:
        near = " ".join(text for _, text in self._tokens[self._at : self._at + 5])
        raise InvalidInput(f"not GRUB's syntax near {near[:60]!r}")

    # --- grammar

    def _commands(self, *ends: str) -> Script:
        """Read commands, each with its end, up to one of the keywords."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidInput(f"blocks are nested more than {_DEEPEST} deep")
        self._newlines()
        found = [self._command()]
        while self._separated() and not self._is(*ends):
            found.append(self._command())
        if not self._is(*ends) or (not self._closed() and ends != ("}",)):
            self._refuse()
        self._depth -= 1
        return tuple(found)

    def _closed(self) -> bool:
        return self._tokens[self._at - 1][1] in (";", "\n")

    def _command(self) -> Node:
        kind, text = self._token()
        match text:
            case "if":
                return self._if()
            case "while" | "until":
                return self._while()
            case "for":
                return self._for()
        if kind != "word" or text in _RESERVED:
            self._refuse()
        words = self._words()
        return Command(words, self._block() if self._is("{") else None)

    def _words(self) -> tuple[Word, ...]:
        start = self._at
        while self._token()[0] == "word":
            self._at += 1
        return tuple(pieces_of(text) for _, text in self._tokens[start : self._at])

    def _block(self) -> Script:
        self._take("{")
        found = self._commands("}")
        self._take("}")
        return found

    def _if(self) -> If:
        branches = []
        while self._is("if", "elif"):
            self._at += 1
            condition = self._commands("then")
            self._take("then")
            branches.append((condition, self._commands("elif", "else", "fi")))
        otherwise: Script = ()
        if self._is("else"):
            self._take("else")
            otherwise = self._commands("fi")
        self._take("fi")
        return If(tuple(branches), otherwise)

    def _while(self) -> While:
        until = self._is("until")
        self._at += 1
        condition = self._commands("do")
        return While(condition, self._body(), until)

    def _for(self) -> For:
        self._take("for")
        name = self._name()
        self._take("in")
        words = self._words()
        if not self._separated():
            self._refuse()
        return For(name, words, self._body())

    def _body(self) -> Script:
        self._take("do")
        found = self._commands("done")
        self._take("done")
        return found

    def _function(self) -> Function:
        self._take("function")
        name = self._name()
        self._newlines()
        self._take("{")
        found = self._commands("}")
        if not self._closed():
            self._refuse()
        self._take("}")
        return Function(name, found)
