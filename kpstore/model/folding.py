"""Many in few words: node sets folded (`n[001-100]`), and how many of what there are.

ClusterShell's own folding takes minutes for a few thousand names with two numbers.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

_LAST: Final = re.compile(r"(.*?)([0-9]+)([^0-9]*)", re.DOTALL)
_NUMBER: Final = re.compile(r"([0-9]+)")
_FOLDED: Final = re.compile(r"\[[^]]*\]|[0-9]+")


def fold(names: Iterable[str]) -> str:
    """Return the folded form of node names, each once."""
    patterns = _patterns(set(names))
    return ",".join(sorted(patterns, key=lambda each: (_FOLDED.sub("%s", each), each)))


def by_number(name: str) -> tuple[str, list[tuple[int, str]]]:
    """Return the key that sorts names as ClusterShell does: n2, n10, n001."""
    parts = _NUMBER.split(name)
    return "%s".join(parts[::2]), [(len(digits), digits) for digits in parts[1::2]]


def _patterns(names: Iterable[str]) -> list[str]:
    """Fold the last number of names, then what stands before it, and so on."""
    plain: list[str] = []
    rows: dict[tuple[str, str], list[str]] = {}
    for name in names:
        if found := _LAST.fullmatch(name):
            before, digits, after = found.groups()
            rows.setdefault((before, after), []).append(digits)
        else:
            plain.append(name)
    alike: dict[tuple[str, str], list[str]] = {}
    for (before, after), numbers in rows.items():
        alike.setdefault((_ranges(numbers), after), []).append(before)
    folded = (
        f"{before}{ranges}{after}"
        for (ranges, after), befores in alike.items()
        for before in _patterns(befores)
    )
    return [*plain, *folded]


def _ranges(numbers: list[str]) -> str:
    """Return `7`, or `[1-3,7,001-100]`."""
    if len(numbers) == 1:
        return numbers[0]
    numbers.sort(key=lambda digits: (len(digits), digits))
    return f"[{','.join(_runs(numbers))}]"


def _runs(numbers: list[str]) -> Iterator[str]:
    first = last = numbers[0]
    for number in numbers[1:]:
        if not _follows(first, last, number):
            yield _run(first, last)
            first = number
        last = number
    yield _run(first, last)


def _follows(first: str, last: str, number: str) -> bool:
    """Tell whether a run goes on: with leading zeros all have the same digits."""
    alike = len(last) == len(number) or (first[0] != "0" and number[0] != "0")
    return alike and int(number) == int(last) + 1


def _run(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


def counted(number: int, noun: str, several: str = "") -> str:
    """Return `1 node`, `2,000 nodes`; `several` where it isn't the noun with an s."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"
