"""Bounds: each is in the table that people read, and each is held to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.errors import InvalidInput, KpError
from kpstore.history import codec
from kpstore.history.record import author, person, split_message
from kpstore.model import bounds
from kpstore.model.census import FullCensus
from kpstore.model.checks import check
from kpstore.model.documents import (
    Artifacts,
    BootConfig,
    Group,
    Image,
    KernelConfig,
    Node,
    Origin,
    Site,
)
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import Empty, State
from kpstore.model.validation import make
from kpstore.site.settings import load
from support.sources import ROOT

MIB = {"DOCUMENT", "TABLE", "SETTINGS"}
GIB = {"KERNEL", "INITRD"}
NAMES = [name for name in vars(bounds) if name.isupper()]


@pytest.mark.parametrize("name", NAMES)
def test_the_table_has_it(name: str) -> None:
    page = (ROOT / "docs/format.md").read_text("utf-8")
    table = page.partition("### How much there may be")[2].partition("\n### ")[0]
    number = getattr(bounds, name)
    mib, gib = f"{number >> 20} MiB", f"{number >> 30} GiB"
    assert (mib if name in MIB else gib if name in GIB else f"{number:,}") in table


MACS = [f"02:00:00:00:00:{n:02x}" for n in range(bounds.ADDRESSES + 1)]
_FILE = {"sha256": "a" * 64, "size": 1}


def _entries(number: int) -> None:
    """Check an image with so many entries."""
    state = State(Empty())
    state.put(Key("site"), Site(id="0" * 32, name="x"))
    state.put(Key("image", "web"), Image(arch="x86_64", default="e0"))
    kernel = KernelConfig(
        release="6.1",
        arch="x86_64",
        origin=Origin(kind="files"),
        artifacts=Artifacts.model_validate({"vmlinuz": _FILE}),
    )
    state.put(Key("kernel", "k", "web"), kernel)
    for at in range(number):
        state.put(Key("entry", f"e{at}", "web"), BootConfig(kernel="k"))
    nothing = State(Empty())
    check(Moves(nothing, state, FullCensus(nothing)))


def test_as_many_entries_as_may_be() -> None:
    _entries(bounds.ENTRIES)


TOO_MUCH: dict[str, Callable[[], object]] = {
    "parameters of an image": lambda: make(
        Image, {"arch": "x86_64", "params": ("a",) * (bounds.PARAMETERS + 1)}, "x"
    ),
    "parameters of a group": lambda: make(
        Group, {"params": ("a",) * (bounds.PARAMETERS + 1)}, "x"
    ),
    "a parameter": lambda: make(Group, {"params": ("a=" + "b" * 1023,)}, "x"),
    "MACs": lambda: make(Node, {"name": "n", "macs": tuple(MACS)}, "x"),
    "addresses": lambda: make(
        Node, {"name": "n", "ips": tuple(f"10.0.0.{n}" for n in range(65))}, "x"
    ),
    "variables": lambda: make(
        Node, {"name": "n", "vars": {f"v{n}": "" for n in range(257)}}, "x"
    ),
    "initrds": lambda: make(
        Artifacts,
        {"vmlinuz": _FILE, "initrd": (_FILE,) * (bounds.INITRDS + 1)},
        "x",
    ),
    "entries": lambda: _entries(bounds.ENTRIES + 1),
    "a message": lambda: split_message("x" * (bounds.MESSAGE + 1)),
    "an author": lambda: author("x" * (bounds.MESSAGE + 1), "head"),
    "a person": lambda: person("x" * (bounds.MESSAGE + 1), "head"),
    "a document": lambda: codec.decode(
        Key("group", "g"), b" " * (bounds.DOCUMENT + 1), InvalidInput
    ),
    "a file of nodes": lambda: codec.decode_shard(
        "nodes/00.jsonl", b" " * (bounds.DOCUMENT + 1), InvalidInput
    ),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_what_is_more_is_refused_in_few_words(what: str) -> None:
    with pytest.raises(KpError) as caught:
        TOO_MUCH[what]()
    assert len(caught.value.message) < 300


def test_a_kp_toml_that_is_more_is_refused(tmp_path: Path) -> None:
    (tmp_path / "kp.toml").write_bytes(b"#" * (bounds.SETTINGS + 1))
    with pytest.raises(InvalidInput, match="more than 1,048,576 bytes"):
        load(tmp_path / "kp.toml")
