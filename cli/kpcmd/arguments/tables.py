"""Reading tables of nodes for `kp node import`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kpcmd.arguments.options import check_choice
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.inventory.csv import Table, read_nodes
from kpstore.model import bounds

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
    most = bounds.TABLE + 1  # what is more is refused by whoever reads it
    if str(file) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}", hint="look at its path") from None
