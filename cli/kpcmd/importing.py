"""Reading tables of nodes for `kp node import`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kpcmd.options import check_choice
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.inventory.table import Table, read_nodes

_LATER: Final = ("systemimager", "warewulf", "cobbler", "dhcpd", "ethers")


def read_table(file: Path, format_: str, image: str | None) -> Table:
    """Read a file, or stdin for `-`; InvalidInput names line and column.

    `image` is that of nodes whose line names none.
    """
    check_choice("--format", format_, ("csv", *_LATER))
    if format_ in _LATER:
        raise Refused(
            f"--format {format_}: kp can't read {format_} yet",
            hint="write a table of name,mac,ip,image,index,group: --format csv",
        )
    with of_file(file):
        return read_nodes(_data(file), image)


@contextmanager
def of_file(file: Path) -> Iterator[None]:
    """Say which file it is that something in the block is wrong with."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"{file}: {error.message}", hint=error.hint) from None


def _data(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}") from None
