"""GRUB's `[` and `test` (grub-core/commands/test.c)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]+|[0-9]+")
_LONGEST: Final = 40  # characters of a number that is read
_WORD: Final = 1 << 32


class FileTests(Protocol):
    """What a condition asks of files, by a loader's path."""

    def is_file(self, path: str) -> bool:
        """Tell whether there is a file."""

    def is_dir(self, path: str) -> bool:
        """Tell whether there is a folder."""

    def size(self, path: str) -> int:
        """Return a file's bytes, 0 without one."""


_BETWEEN: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda a, b: a == b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a.encode() < b.encode(),
    "<=": lambda a, b: a.encode() <= b.encode(),
    ">": lambda a, b: a.encode() > b.encode(),
    ">=": lambda a, b: a.encode() >= b.encode(),
    "-eq": lambda a, b: _number(a) == _number(b),
    "-ne": lambda a, b: _number(a) != _number(b),
    "-lt": lambda a, b: _number(a) < _number(b),
    "-le": lambda a, b: _number(a) <= _number(b),
    "-gt": lambda a, b: _number(a) > _number(b),
    "-ge": lambda a, b: _number(a) >= _number(b),
    "-plt": lambda a, b: _tail(a, b) < _tail(b, a),
    "-pgt": lambda a, b: _tail(a, b) > _tail(b, a),
}
_BEFORE: Final[Mapping[str, Callable[[FileTests, str], bool]]] = {
    "-d": lambda look, word: look.is_dir(word),
    "-e": lambda look, word: look.is_dir(word) or look.is_file(word),
    "-f": lambda look, word: look.is_file(word),
    "-s": lambda look, word: look.size(word) > 0,
    "-n": lambda _, word: word != "",
    "-z": lambda _, word: word == "",
}


def holds(words: Sequence[str], look: FileTests) -> bool:
    """Tell whether a condition holds; `words` without `[` and `]`.

    `-nt` and `-ot` ask for times, which a tree's copy doesn't keep: they don't hold.
    """
    groups = [_Group()]
    at = 0
    while at < len(words):
        taken = _step(words[at : at + 3], groups, look)
        at = at + taken if taken else len(words)
    while len(groups) > 1:
        _close(groups)
    return groups[0].value


@dataclass(slots=True)
class _Group:
    """One pair of parentheses: `-o` binds weaker than what stands side by side."""

    either: bool = field(default=False)
    all_of: bool = field(default=True)
    inverted: bool = field(default=False)

    @property
    def value(self) -> bool:
        return self.either or self.all_of

    def add(self, value: bool) -> None:
        self.all_of = self.all_of and value != self.inverted
        self.inverted = False


def _step(words: Sequence[str], groups: list[_Group], look: FileTests) -> int:
    """Take the next test or word; return how many words it was, 0 at the end."""
    here = groups[-1]
    match words:
        case [left, word, right] if between := _between(word):
            here.add(between(left, right))
            return len(words)
        case [word, path, *_] if before := _BEFORE.get(word):
            here.add(before(look, path))
            return 2
        case [")", *_] if len(groups) == 1:
            return 0
    _take(words[0], groups)
    return 1


def _take(word: str, groups: list[_Group]) -> None:
    here = groups[-1]
    match word:
        case ")":
            _close(groups)
        case "(":
            groups.append(_Group())
        case "!":
            here.inverted = not here.inverted
        case "-a":
            pass
        case "-o":
            here.either, here.all_of = here.value, True
        case _:
            here.add(word != "")


def _between(word: str) -> Callable[[str, str], bool] | None:
    if word[:3] in ("-nt", "-ot"):
        return lambda _a, _b: False
    return _BETWEEN.get(word)


def _close(groups: list[_Group]) -> None:
    inner = groups.pop()
    groups[-1].add(inner.value)


def _number(word: str) -> int:
    """Read a number as GRUB's `int`, of 32 bits with a sign."""
    value = _unsigned(word.removeprefix("-")) * (-1 if word.startswith("-") else 1)
    return (value + _WORD // 2) % _WORD - _WORD // 2


def _unsigned(word: str) -> int:
    found = _NUMBER.match(word)
    digits = found[0][:_LONGEST] if found else "0"
    if digits[:2] in ("0x", "0X"):
        return min(int(digits, 16), _WORD**2 - 1)
    octal = len(digits) > 1 and digits[0] == "0" and digits[1] in "01234567"
    return min(int(digits, 8 if octal else 10), _WORD**2 - 1)


def _tail(word: str, other: str) -> int:
    """Return the number where two words part, with its digits before that."""
    at = 0
    while at < min(len(word), len(other)) and word[at] == other[at]:
        at += 1
    while at > 1 and word[at - 1].isdigit():
        at -= 1
    return _unsigned(word[at:])
