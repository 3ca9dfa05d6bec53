"""What loaders can't carry, and what is allowed and still worth a word."""

from collections.abc import Iterable, Mapping
from typing import Final

from kpstore.errors import Refused
from kpstore.loaders import registry
from kpstore.loaders.menu import Linux, Menu
from kpstore.model.boot import Boot
from kpstore.model.params.tokens import compose, key_of
from kpstore.model.variables import fill

LINE: Final = 1950
"""The longest command line of kp's own making, in bytes."""

_HINT: Final = "remove parameters, or move them into files of the image or its initrd"


def longest(values: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return, for each variable, the longest value among many nodes' values."""
    found: dict[str, str] = {}
    for each in values:
        for name, text in each.items():
            if len(text) > len(found.get(name, "")):
                found[name] = text
    return found


def check_line(boot: Boot, values: Mapping[str, str], who: str) -> None:
    """Refuse a command line of more than `LINE` bytes, naming entry, `who` and length.

    `values` are the node's, or the longest among the template's nodes; a variable
    without one counts as empty.
    """
    length = _length(boot.params, values)
    if length > LINE:
        raise Refused(
            f"entry {boot.image}/{boot.entry}: the command line of {who} is "
            f"{length:,} bytes long, {LINE:,} at most",
            hint=_HINT,
        )


def check_added(menu: Menu, values: Mapping[str, str], who: str, loader: str) -> None:
    """Refuse a line that a network loader would not carry with what it adds itself."""
    if not isinstance(menu.boot, Linux):
        return
    carrier = registry.network(loader)
    added = len(carrier.added(menu.boot))
    length = _length(menu.boot.params, values) + added
    if length > carrier.line_limit:
        raise Refused(
            f"entry {menu.title}: with the {added} bytes that {loader} adds, the "
            f"command line of {who} is {length:,} bytes long, "
            f"{carrier.line_limit:,} at most",
            hint=_HINT,
        )


def _length(params: tuple[str, ...], values: Mapping[str, str]) -> int:
    unset = dict.fromkeys(Linux("", params=params).variables, "")
    return len(compose(fill(params, {**unset, **values})))


def warnings(boot: Boot) -> list[str]:
    """Say what an entry lacks that its nodes will miss one day."""
    waits = {"panic", "panic=0"}
    if boot.method == "local" or any(
        key_of(token) == "panic" and token not in waits for token in boot.params
    ):
        return []
    return [
        f"entry {boot.image}/{boot.entry} has no panic=: a node that can't start it "
        "halts for good; with panic=10 it starts again and asks the server, which by "
        "then may say something better (dracut also wants rd.emergency=reboot)"
    ]
