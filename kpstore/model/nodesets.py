"""Node sets in ClusterShell's syntax, groups from this site's commit only.

The machine's own ClusterShell configuration is never read: its groups may run shell
commands, and an unknown group is an empty set there. What a set names is counted
before it is expanded.
Syntax: https://clustershell.readthedocs.io/en/latest/tools/nodeset.html
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import pairwise, product
from math import prod
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.model import bounds
from kpstore.model.folding import by_number, fold
from kpstore.model.names import check_name, check_node_name, missing

__all__ = ["canonical", "expand", "fold", "less", "members"]

_EXTERNAL: Final = re.compile(r"@[^,!&^\s]*:")
_TOKEN: Final = re.compile(r"\[[^][]*\]|[][,!&^]|[^][,!&^]+")
_RANGE: Final = re.compile(
    r"\s*([0-9]{1,63})\s*(?:-\s*([0-9]{1,63})\s*(?:/([0-9]{1,9}))?)?\s*"
)
_SHOWN: Final = 80  # characters of a set in a message
_HINT: Final = "for example n[001-100],@rack1"
_Operation = Callable[[set[str], set[str]], None]
_OPERATIONS: Final[Mapping[str, _Operation]] = {
    ",": set.update,
    "!": set.difference_update,
    "&": set.intersection_update,
    "^": set.symmetric_difference_update,
}


def expand(texts: Iterable[str], groups: Mapping[str, str]) -> list[str]:
    """Return the node names that the sets name together, sorted.

    The order is ClusterShell's where a name has one number; where names have more, its
    order is that of the folded ranges, and this one still goes number by number.
    `groups` maps a group's name to its folded set. InvalidInput for a set that
    doesn't parse, is empty or too large, NotFound for an unknown group.
    """
    text = ",".join(texts)
    names = _Parser(groups).nodes(text)
    if not names:
        raise InvalidInput(f"node set {_short(text)} is empty", hint=_HINT)
    return sorted(names, key=by_number)


def members(text: str, groups: Mapping[str, str]) -> frozenset[str]:
    """Return the nodes of a group's set; an empty one has none."""
    return frozenset(_Parser(groups).nodes(text)) if text.strip() else frozenset()


def canonical(text: str, groups: Mapping[str, str]) -> str:
    """Return a set as a group keeps it: folded; as given where it names groups."""
    names = expand([text], groups)
    return "".join(text.split()) if "@" in text else fold(names)


def less(text: str, gone: Collection[str]) -> str:
    """Return a group's set without some names; groups that it names stay named.

    It has the nodes that it had, but for those, once its groups don't have them.
    """
    kept = ""
    for operator, pieces in _operands(text) if text.strip() else ():
        term = "".join(pieces)
        left = [term] if term.startswith("@") else _left_of(term, gone)
        if not kept:
            kept = "" if operator in "!&" else ",".join(left)
        elif operator == "&":
            # What is left may be no one pattern; a name that nobody has does no harm.
            kept = f"{kept}&{left[0] if len(left) == 1 else term}" if left else ""
        else:
            kept += "".join(f"{operator}{each}" for each in left)
    return kept


def _left_of(term: str, gone: Collection[str]) -> list[str]:
    names = members(term, {})
    left = names.difference(gone)
    if not left or left == names:
        return [term] if left else []
    return ["".join(pieces) for _, pieces in _operands(fold(left))]


class _Range(NamedTuple):
    """Numbers from `first` to `last`; with leading zeros `width` digits each."""

    first: int
    last: int
    step: int
    width: int

    @property
    def size(self) -> int:  # too large for len(), where the input is
        return (self.last - self.first) // self.step + 1

    @property
    def digits(self) -> set[int]:
        """Return how many digits its ends have."""
        return {max(self.width, len(str(each))) for each in (self.first, self.last)}

    def texts(self) -> Iterator[str]:
        for number in range(self.first, self.last + 1, self.step):
            yield f"{number:0{self.width}}"


class _Parser:
    """Reads one set; each group in it is read once."""

    def __init__(self, groups: Mapping[str, str]) -> None:
        self._groups = groups
        self._read: dict[str, set[str]] = {}
        self._within: list[str] = []
        self._left = bounds.NODES_WRITTEN

    def nodes(self, text: str) -> set[str]:
        """Return the names; they are no more than a set may have."""
        _refuse_specials(text)
        found: set[str] = set()
        for operator, pieces in _operands(text):
            _OPERATIONS[operator](found, self._operand(text, pieces))
        if len(found) > bounds.NODES:
            raise _too_many(text)
        return found

    def _operand(self, text: str, pieces: list[str]) -> set[str]:
        if not pieces[0].startswith("@"):
            return {check_node_name(name) for name in self._names(text, pieces)}
        pieces[0] = pieces[0][1:]
        found: set[str] = set()
        for name in list(self._names(text, pieces)):
            found |= self._group(text, name)
        return found

    def _names(self, text: str, pieces: list[str]) -> Iterator[str]:
        """Yield what a pattern names; it is counted first."""
        parts = [_ranges(text, each) if each[:1] == "[" else each for each in pieces]
        _refuse_ambiguous(text, parts)
        number = prod(
            sum(one.size for one in each) for each in parts if not isinstance(each, str)
        )
        self._count(text, number)
        choices = [[each] if isinstance(each, str) else _texts(each) for each in parts]
        return map("".join, product(*choices))

    def _count(self, text: str, number: int) -> None:
        self._left -= number
        if self._left < 0:
            raise _too_many(text)

    def _group(self, text: str, name: str) -> set[str]:
        check_name(name, "group")
        if name not in self._groups:
            raise missing("group", name, self._groups)
        if name in self._within or len(self._within) >= bounds.GROUP_DEPTH:
            way = "itself" if name in self._within else "too many groups in each other"
            raise InvalidInput(
                f"group {(self._within or [name])[0]} names {way}: "
                f"{' > '.join([*self._within, name][-4:])}",
                hint="kp group list shows their sets",
            )
        if name in self._read:
            self._count(text, len(self._read[name]))
            return self._read[name]
        self._within.append(name)
        inside = self._groups[name]
        self._read[name] = self.nodes(inside) if inside.strip() else set()
        self._within.pop()
        return self._read[name]


def _operands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each operator with the pieces of the pattern behind it."""
    operator, pieces = ",", list[str]()
    for token in [*_TOKEN.findall(text), ""]:
        if token and token not in _OPERATIONS:
            if token in ("[", "]"):
                raise _wrong(text, f"a {token} without its like")
            pieces.append(token)
            continue
        pieces = _stripped(pieces)
        if not pieces:
            raise _wrong(text, "a set is missing beside , ! & or ^")
        yield operator, pieces
        operator, pieces = token, []


def _stripped(pieces: list[str]) -> list[str]:
    """Take the blanks around a pattern away."""
    if pieces:
        pieces[0] = pieces[0].lstrip()
        pieces[-1] = pieces[-1].rstrip()
    return [each for each in pieces if each]


def _ranges(text: str, bracket: str) -> list[_Range]:
    return [_range(text, each) for each in bracket[1:-1].split(",")]


def _range(text: str, written: str) -> _Range:
    found = _RANGE.fullmatch(written)
    if found is None:
        raise _wrong(text, f"{_short(written)} is no range of numbers")
    first, last, step = found[1], found[2] or found[1], int(found[3] or "1")
    padded = any(each[0] == "0" and len(each) > 1 for each in (first, last))
    if padded and len(first) != len(last):
        raise _wrong(text, f"{written.strip()}: both ends need the same digits")
    made = _Range(int(first), int(last), step, len(first) if padded else 0)
    if not step or made.first > made.last:
        raise _wrong(text, f"{written.strip()} runs backwards")
    return made


def _refuse_ambiguous(text: str, parts: list[str | list[_Range]]) -> None:
    """Refuse `n1[0-10]`: to ClusterShell it is n[10-110], to most people n10 to n19."""
    for before, ranges in pairwise(parts):
        if isinstance(before, str) and not isinstance(ranges, str):
            lengths = set[int]().union(*(each.digits for each in ranges))
            if before[-1].isdigit() and len(lengths) > 1:
                raise _wrong(
                    text,
                    "a digit before numbers of different lengths: write them out",
                )


def _texts(ranges: list[_Range]) -> list[str]:
    return [text for each in ranges for text in each.texts()]


def _refuse_specials(text: str) -> None:
    """Refuse what ClusterShell would ask its own configuration, or all nodes, for."""
    if _EXTERNAL.search(text):
        raise InvalidInput(
            f"node set {_short(text)} names an external group source",
            hint="groups are this site's own: kp group list",
        )
    if "@@" in text:
        raise InvalidInput(
            f"node set {_short(text)} names the groups themselves, not nodes",
            hint="kp group list; a group's nodes are @NAME",
        )
    if "*" in text or "?" in text:
        raise InvalidInput(
            f"node set {_short(text)} has a wildcard", hint="name a range: n[001-100]"
        )


def _too_many(text: str) -> InvalidInput:
    return InvalidInput(
        f"node set {_short(text)} names more than {bounds.NODES:,} nodes",
        hint="look at its ranges: is there a digit too many?",
    )


def _wrong(text: str, why: str) -> InvalidInput:
    return InvalidInput(f"node set {_short(text)}: {why}", hint=_HINT)


def _short(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
