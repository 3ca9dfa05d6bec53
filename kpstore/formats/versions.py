"""Which of two versions is newer, by the UAPI group's rules and by rpm's.

https://uapi-group.org/specifications/specs/version_format_specification/; rpm's are
those of Fedora's GRUB (grub-core/commands/blscfg.c, vercmp).
"""

import re
from collections import deque
from functools import cmp_to_key
from typing import Final

_TOKEN: Final = re.compile(r"[0-9]+|[A-Za-z]+|[-~^.]")
_RPM_TOKEN: Final = re.compile(r"[0-9]+|[A-Za-z]+|[~+]")
_RPM_MARKS: Final = {"~": 0, "+": 2}
_END: Final = (1, 0, "")


def compare(a: str, b: str) -> int:
    """Return -1, 0 or 1: `a` is older than `b`, equal, newer; by the UAPI group."""
    left, right = deque(_TOKEN.findall(a)), deque(_TOKEN.findall(b))
    while True:
        if found := _mark("~", left, right):
            return found
        if not (left and right):
            return bool(left) - bool(right)
        for mark in "-^.":
            if found := _mark(mark, left, right):
                return found
        if found := _segment(left, right):
            return found


version_key: Final = cmp_to_key(compare)
"""Sorts versions, the oldest first, by the UAPI group's rules."""


def rpm_key(text: str) -> list[tuple[int, int, str]]:
    """Sort versions as rpm does: what is between numbers and words counts nothing.

    But for `~`, before the end, and `+`, after it and before all else.
    """
    return [*map(_rpm_rank, _RPM_TOKEN.findall(text)), _END]


def _mark(mark: str, left: deque[str], right: deque[str]) -> int:
    """Take a mark from both; the one that has it alone is the older."""
    has, other = (bool(each) and each[0] == mark for each in (left, right))
    if has and other:
        left.popleft()
        right.popleft()
    return other - has


def _segment(left: deque[str], right: deque[str]) -> int:
    """Take numbers from both where one has one, else words; no number is 0."""
    if any(each and each[0].isdigit() for each in (left, right)):
        a, b = (_number(_take(each, "0")) for each in (left, right))
        return (a > b) - (a < b)
    word, other = (_take(each, "a") for each in (left, right))
    return (word > other) - (word < other)


def _take(tokens: deque[str], like: str) -> str:
    """Take the next token where it is of digits, or letters, as `like` is."""
    if tokens and tokens[0].isdigit() == like.isdigit() and tokens[0].isalnum():
        return tokens.popleft()
    return ""


def _number(digits: str) -> tuple[int, str]:
    """Order numbers of any length: Python's own are slow for very long ones."""
    plain = digits.lstrip("0")
    return len(plain), plain


def _rpm_rank(token: str) -> tuple[int, int, str]:
    if token in _RPM_MARKS:
        return _RPM_MARKS[token], 0, ""
    return (4, *_number(token)) if token.isdigit() else (3, 0, token)
