"""Reading what other systems know of nodes, for `kp node import`."""

import sys
from pathlib import Path

from kpcmd.arguments.options import check_choice
from kpstore.errors import NotFound, Refused
from kpstore.inventory.contract import Imported
from kpstore.inventory.registry import IMPORTERS, LATER
from kpstore.model import bounds


def read_table(file: Path, format_: str, image: str | None) -> Imported:
    """Read a file, or stdin for `-`; InvalidInput names line and column.

    `image` is that of nodes whose line names none.
    """
    check_choice("--format", format_, (*IMPORTERS, *LATER))
    if format_ in LATER:
        raise Refused(
            f"--format {format_}: kp can't read {format_} yet",
            hint="write a table of name,mac,ip,image,index,group: --format csv",
        )
    return IMPORTERS[format_].read({str(file): data_of(file)}, image)


def data_of(file: Path) -> bytes:
    """Read a file, or stdin for `-`; NotFound without it."""
    most = bounds.TABLE + 1  # what is more is refused by whoever reads it
    if str(file) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except FileNotFoundError:
        raise NotFound(f"there is no file {file}", hint="look at its path") from None
