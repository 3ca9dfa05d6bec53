"""GRUB's menu: its entries, and which of them a default means.

By grub-core/normal/menu.c, and by Red Hat's.
"""

import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kpstore.loaders.grub.syntax import Script

_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]+|[0-9]+")
_BLANK: Final = re.compile(r"\s")
_FIRST: Final = re.compile(r"((?:[^>]|>>)*)(?:>(.*))?", re.DOTALL)
_LONGEST: Final = 9  # digits of a number that may be an entry's
_VALUED: Final = ("class", "users", "hotkey", "source", "id")


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry of a menu; `body` is what it runs, `source` the same as text.

    `args` are what follows its title, with it.
    """

    args: tuple[str, ...]
    ident: str
    body: Script = ()
    source: str = ""
    submenu: bool = False

    @property
    def title(self) -> str:
        """Return what the menu shows."""
        return self.args[0]


def read_options(words: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Read the words of menuentry or submenu: its arguments, and its options."""
    args: list[str] = []
    options: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, has_value, value = word.removeprefix("--").partition("=")
        if word == "--":
            args += rest
        elif word.startswith("--") and name in _VALUED:
            options[name] = value if has_value else next(rest, "")
        elif word != "--unrestricted":
            args.append(word)
    return tuple(args), options


def chosen(
    entries: Sequence[MenuEntry], default: str, *, by_name: bool
) -> tuple[int, str]:
    """Return which entry a default means, the first where none, and what is left of it.

    It is a number, an id or a title; after a `>` goes what is meant in a submenu.
    `by_name`, as in Red Hat's GRUB: ids go first, then titles, then what is all a
    number; else what begins with a digit is a number.
    """
    found = _FIRST.match(default)
    word, rest = (found[1].replace(">>", ">"), found[2]) if found else ("", None)
    number = _by_red_hat(entries, word, rest) if by_name else _number(word)
    if number is None and not by_name:
        titles = ({entry.title, entry.ident} for entry in entries)
        number = _index(titles, word)
    at = number if number is not None and number < len(entries) else 0
    return at, rest or ""


def _by_red_hat(
    entries: Sequence[MenuEntry], word: str, rest: str | None
) -> int | None:
    for names in (
        [{"" if _BLANK.search(entry.ident) else entry.ident} for entry in entries],
        [{entry.title} for entry in entries],
    ):
        if (at := _index(names, word)) is not None:
            return at
    return _number(word) if rest is None and _NUMBER.fullmatch(word) else None


def _index(names: Iterable[Container[str]], word: str) -> int | None:
    return next((at for at, each in enumerate(names) if word and word in each), None)


def first_number(text: str) -> tuple[int | None, str]:
    """Take the first of the numbers that `fallback` holds; return what is left too."""
    found = _NUMBER.match(text.lstrip())
    if found is None:
        return None, ""
    return _number(found[0]), text.lstrip()[found.end() :].lstrip()


def _number(word: str) -> int | None:
    found = _NUMBER.match(word.lstrip())
    if found is None:
        return None
    digits = found[0]
    if len(digits) > _LONGEST:
        return 10**_LONGEST
    if digits[:2] in ("0x", "0X"):
        return int(digits, 16)
    octal = len(digits) > 1 and digits[0] == "0" and not {*"89"} & {*digits}
    return int(digits, 8 if octal else 10)
