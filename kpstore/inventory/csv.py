"""Nodes in a CSV table (RFC 4180): one header, one node a line.

`name,mac`, and if wanted `ip,image,index,group,var.NAME`; several MACs, IPs and
groups are separated by blanks, an empty cell says nothing. A row of blank cells is a
blank line, a column without a name and with blank cells alone is none: spreadsheets
write both. One bad cell refuses the whole table, by line and column.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from kpstore.errors import InvalidInput
from kpstore.inventory.cells import (
    SHOWN,
    read_groups,
    read_image,
    read_index,
    read_ips,
    read_macs,
    read_value,
)
from kpstore.inventory.contract import Imported
from kpstore.model import bounds
from kpstore.model.bulk import uncollected
from kpstore.model.documents import Node
from kpstore.model.names import VARIABLE, check_node_name

COLUMNS: Final = ("name", "mac", "ip", "image", "index", "group")
_REQUIRED: Final = ("name", "mac")
_MAX_COLUMNS: Final = 256
_PREFIX: Final = "var."
_VARIABLE: Final = re.compile(VARIABLE)
_NODES: Final[TypeAdapter[list[Node]]] = TypeAdapter(list[Node])

_EXPECTED: Final = f"columns: {', '.join(COLUMNS)}, {_PREFIX}NAME, separated by commas"
_FORM: Final = "save it as CSV in UTF-8, cells separated by commas"
_LONGEST: Final = 200  # characters of a message about a cell

_T = TypeVar("_T")
_E = TypeVar("_E")
Row = tuple[int, list[str]]  # line of the file, cells


class Csv:
    """The importer of a table; of one file."""

    name = "csv"

    def read(self, files: Mapping[str, bytes], image: str | None) -> Imported:
        """Read the table; InvalidInput names file, line and column."""
        if len(files) != 1:
            raise InvalidInput(
                f"a table is one file, not {len(files)}", hint="import one by one"
            )
        ((file, data),) = files.items()
        try:
            found = read_nodes(data, image)
        except InvalidInput as error:
            raise InvalidInput(f"{file}: {error.message}", hint=error.hint) from None
        images = {name: f"{file}: {place}" for name, place in found.images.items()}
        return replace(found, images=images)


def read_nodes(data: bytes | str, image: str | None = None) -> Imported:
    """Read a table; `image` is that of nodes whose line names none.

    Raises InvalidInput for anything that isn't as it must be, duplicates included.
    """
    rows = _rows(data)
    header = _header(next(rows, None))
    with uncollected():
        return _TableReader(header, image).read(rows)


class _TableReader:
    """Reads the lines of one table, and remembers what may not come twice."""

    def __init__(self, header: list[str], image: str | None) -> None:
        self._at = {name: at for at, name in enumerate(header)}
        self._width = len(header)
        self._unnamed = [at for at, name in enumerate(header) if not name]
        self._variables = [
            (column.removeprefix(_PREFIX), column)
            for column in header
            if column.startswith(_PREFIX)
        ]
        self._image = image
        self._seen: dict[tuple[str, str], int] = {}
        self._groups: dict[str, list[str]] = {}
        self._images: dict[str, str] = {}

    def read(self, rows: Iterator[Row]) -> Imported:
        """Return the table."""
        lines: list[int] = []
        found: list[dict[str, Any]] = []
        for line, cells in rows:
            if len(cells) != self._width:
                raise InvalidInput(
                    f"line {line}: {len(cells)} cells, the header has {self._width}",
                    hint="a cell with a comma in it is written in quotes",
                )
            self._refuse_unnamed(line, cells)
            lines.append(line)
            found.append(self._node(line, cells))
        try:
            nodes = _NODES.validate_python(found)
        except ValidationError as error:
            raise _unexpected(error, lines) from error
        return Imported(nodes, self._groups, self._images)

    def _refuse_unnamed(self, line: int, cells: list[str]) -> None:
        for at in self._unnamed:
            if text := cells[at].strip():
                raise InvalidInput(
                    f"line {line}, column {at + 1}: {text[:SHOWN]!r} stands in a "
                    "column that the header doesn't name",
                    hint=_EXPECTED,
                )

    def _node(self, line: int, cells: list[str]) -> dict[str, Any]:
        here = _Line(line, cells, self._at)
        node: dict[str, Any] = {
            "name": here.must("name", check_node_name),
            "macs": here.must("mac", read_macs),
            "ips": here.may("ip", read_ips, ()),
            "image": self._image_of(here, line),
            "index": here.may("index", read_index, None),
            "vars": {
                variable: value
                for variable, column in self._variables
                if (value := here.may(column, read_value, ""))
            },
        }
        self._once(line, node)
        for group in here.may("group", read_groups, ()):
            self._groups.setdefault(group, []).append(node["name"])
        return node

    def _image_of(self, here: "_Line", line: int) -> str | None:
        image = here.may("image", read_image, None)
        if image is None:
            return self._image
        self._images.setdefault(image, f"line {line}, column image")
        return image

    def _once(self, line: int, node: dict[str, Any]) -> None:
        """Refuse what an earlier line has."""
        held: list[tuple[str, str]] = [("name", node["name"])]
        held += [("mac", mac) for mac in node["macs"]]
        held += [("ip", ip) for ip in node["ips"]]
        if node["index"] is not None:
            held.append(("index", f"{node['image'] or ''}/{node['index']}"))
        for column, value in held:
            if (column, value) in self._seen:
                first = self._seen[column, value]
                raise InvalidInput(
                    f"line {line}, column {column}: {value} is on line {first} already",
                    hint="names, MACs and addresses come once, an index once an image",
                )
            self._seen[column, value] = line


class _Line:
    """The cells of one line, taken by column."""

    __slots__ = ("_at", "_cells", "_line")

    def __init__(self, line: int, cells: list[str], at: dict[str, int]) -> None:
        self._line = line
        self._cells = cells
        self._at = at

    def must(self, column: str, parse: Callable[[str], _T]) -> _T:
        """Parse a cell that may not be empty."""
        value = self.may(column, parse, None)
        if value is None:
            raise InvalidInput(
                f"line {self._line}, column {column}: nothing is there",
                hint=f"every node has a {' and a '.join(_REQUIRED)}",
            )
        return value

    def may(self, column: str, parse: Callable[[str], _T], empty: _E) -> _T | _E:
        """Parse a cell; return `empty` for an empty one, or without the column."""
        at = self._at.get(column)
        text = self._cells[at].strip() if at is not None else ""
        if not text:
            return empty
        try:
            return parse(text)
        except InvalidInput as error:
            raise InvalidInput(
                f"line {self._line}, column {column}: {error.message[:_LONGEST]}",
                hint=error.hint,
            ) from None


def _rows(data: bytes | str) -> Iterator[Row]:
    """Yield the lines that aren't blank, each with the number where it begins."""
    if len(data) > bounds.TABLE:
        raise InvalidInput(
            f"the table has more than {bounds.TABLE:,} bytes", hint="import it in parts"
        )
    reader = csv.reader(
        io.StringIO(_text(data), newline=""), strict=True, skipinitialspace=True
    )
    line = 1
    try:
        for cells in reader:
            if any(map(str.strip, cells)) or len(cells) > _MAX_COLUMNS:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(f"line {line}: not CSV: {error}", hint=_FORM) from None


def _text(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput(f"line {line}: not UTF-8", hint=_FORM) from None


def _header(row: Row | None) -> list[str]:
    if row is None:
        raise InvalidInput("the table is empty", hint=_EXPECTED)
    line, cells = row
    if len(cells) > _MAX_COLUMNS:
        raise InvalidInput(f"line {line}: {len(cells)} columns", hint=_EXPECTED)
    header = [cell.strip() for cell in cells]
    for at, column in enumerate(header):
        if column and not _is_column(column):
            raise InvalidInput(
                f"line {line}: no column {column[:SHOWN]!r} is known",
                hint=_EXPECTED,
            )
        if column and column in header[:at]:
            raise InvalidInput(
                f"line {line}: column {column} comes twice", hint=_EXPECTED
            )
    if lacks := [column for column in _REQUIRED if column not in header]:
        raise InvalidInput(
            f"line {line}: column {lacks[0]} is missing: the first line names the "
            "columns",
            hint=_EXPECTED,
        )
    return header


def _is_column(name: str) -> bool:
    if name.startswith(_PREFIX):
        return _VARIABLE.fullmatch(name.removeprefix(_PREFIX)) is not None
    return name in COLUMNS


def _unexpected(error: ValidationError, lines: list[int]) -> InvalidInput:
    """Say where the model refuses what the cells allowed."""
    first = error.errors(include_url=False, include_input=False)[0]
    row, *column = first["loc"]
    where = f"line {lines[int(row)]}, column {'.'.join(map(str, column))}"
    return InvalidInput(f"{where}: {first['msg']}", hint=_EXPECTED)
