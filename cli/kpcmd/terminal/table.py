"""Rows below a header, lined up for a person."""

import re
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final

_COLOUR: Final = re.compile("\x1b\\[[0-9;]*m")
_LEAST: Final = 12  # columns that a cell keeps, however narrow the terminal is


def lined_up(
    header: Sequence[str], rows: Iterable[Sequence[str]], width: int = 0
) -> list[str]:
    """Line up rows below a header; no rows, no header.

    Where they are wider than `width` (0: nothing is) long cells lose their middle; but
    for the first column, which says what a row is about, and one without a header,
    which is a remark.
    """
    whole = [tuple(header), *map(tuple, rows)]
    if len(whole) == 1:
        return []
    if width:
        whole = _fitting(whole, width)
    lines = _lined_up(whole)
    return _lined_up_bare(whole) if any("\x1b" in line for line in lines) else lines


def _lined_up(rows: list[tuple[str, ...]]) -> list[str]:
    """Line up plain cells; for 100,000 rows, so no Python runs for each of them."""
    *widths, _ = _widths(rows)
    line = "".join(f"%-{width}s  " for width in widths) + "%s"
    return list(map(str.rstrip, map(line.__mod__, rows)))


def _lined_up_bare(rows: list[tuple[str, ...]]) -> list[str]:
    """Line up cells of which some have a colour, which takes no room."""
    bare = [tuple(_COLOUR.sub("", cell) for cell in row) for row in rows]
    widths = _widths(bare)
    return [
        "  ".join(
            cell + " " * (width - len(plain))
            for cell, plain, width in zip(row, plain_row, widths, strict=True)
        ).rstrip()
        for row, plain_row in zip(rows, bare, strict=True)
    ]


def _widths(rows: list[tuple[str, ...]]) -> list[int]:
    return [max(map(len, map(itemgetter(at), rows))) for at in range(len(rows[0]))]


def _fitting(rows: list[tuple[str, ...]], width: int) -> list[tuple[str, ...]]:
    """Cut the longest cells until lines fit, as far as they may be cut."""
    widths = _widths([tuple(_COLOUR.sub("", cell) for cell in row) for row in rows])
    room = width - 2 * (len(widths) - 1)
    least = [
        min(each, max(_LEAST, len(head))) if at and head else each
        for at, (each, head) in enumerate(zip(widths, rows[0], strict=True))
    ]
    if sum(widths) <= room:
        return rows
    cap = max(widths)
    while cap > _LEAST and sum(_capped(widths, least, cap)) > room:
        cap -= 1
    cuts = _capped(widths, least, cap)
    return [tuple(map(_cut, row, cuts)) for row in rows]


def _capped(widths: list[int], least: list[int], cap: int) -> list[int]:
    return [max(low, min(each, cap)) for each, low in zip(widths, least, strict=True)]


def _cut(cell: str, room: int) -> str:
    """Take a cell's middle out; one with a colour is a short word."""
    if len(cell) <= room or "\x1b" in cell:
        return cell
    head = room // 2
    return f"{cell[:head]}…{cell[len(cell) - (room - head - 1) :]}"
