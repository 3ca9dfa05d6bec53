"""Command lines of real clusters arrive as they were typed, through every loader.

What is served is read by `histories.readers`, and split here as Linux does: both know
no code of kp.
"""

from collections.abc import Iterator

import pytest

from histories import readers
from histories.chroot import Chroot
from kpstore.edits import entries, groups, images, nodes
from kpstore.model.documents import Target
from kpstore.model.keys import Key
from kpstore.model.params.tokens import split
from support import sites
from support.sites import SmallSite, first_import
from support.sources import ROOT

TEXT = (ROOT / "fixtures/cmdlines/lines.txt").read_text("ascii")
LINES = [line for line in TEXT.splitlines() if not line.startswith("#")]
NOT_BLS = "$", ";"  # GRUB reads them in its entries


def words(line: str) -> Iterator[tuple[str, str | None]]:
    """Split a line as `next_arg` of lib/cmdline.c does: names and values."""
    rest = line.lstrip()
    while rest:
        at, quoted = 0, rest[0] == '"'
        inside = quoted
        rest = rest[quoted:]
        while at < len(rest) and (inside or not rest[at].isspace()):
            inside ^= rest[at] == '"'
            at += 1
        word, rest = rest[:at], rest[at:].lstrip()
        word = word.removesuffix('"') if quoted else word
        name, sign, value = word.partition("=")
        if value.startswith('"'):
            value = value[1:].removesuffix('"')
        yield name, value if sign else None


def typed(line: str) -> list[tuple[str, str | None]]:
    return list(words(line))


def arrived(line: str, wanted: str) -> list[tuple[str, str | None]]:
    """The same of what is served, without what the loader says by itself."""
    own = {"BOOTIF", "initrd"} - {name for name, _ in words(wanted)}
    return [each for each in words(line) if each[0] not in own]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """An entry a line, and a node that boots it next."""
    site = sites.make(tmp_path_factory.mktemp("lines"), first_import)
    with site.picker().edit("lines") as edit:
        state = edit.state
        images.change(state, "web", {"params": ()})
        for group in state.names("group"):
            groups.change(state, group, {"params": ()})
        for at, line in enumerate(LINES):
            fields = {"kernel": "6.1", "method": "mixed", "params": split(line)}
            entries.add(state, "web", f"l{at:02}", fields)
            card = {"macs": (f"02:00:00:00:99:{at:02x}",), "image": "web"}
            nodes.add(state, f"m{at:02}", card)
            nodes.set_next(state, [f"m{at:02}"], f"l{at:02}")
    return site


def test_there_are_lines_of_every_kind() -> None:
    assert len(LINES) >= 34
    assert typed('a "b=c d" e="f g" h=') == [
        *(("a", None), ("b", "c d")),
        *(("e", "f g"), ("h", "")),
    ]


@pytest.mark.parametrize("loader", readers.NETWORK)
def test_over_the_network(site: SmallSite, loader: str) -> None:
    read = readers.NETWORK[loader]
    for at, line in enumerate(LINES):
        folder = {"grub": "/grub"}.get(loader, "")
        found = read(Chroot(site.tftp), f"02:00:00:00:99:{at:02x}", folder)
        assert found, line
        assert arrived(found.line, line) == typed(line)


@pytest.mark.parametrize("loader", readers.TREE)
def test_from_an_image_s_own_disk(site: SmallSite, loader: str) -> None:
    kept = {
        f"l{at:02}": line
        for at, line in enumerate(LINES)
        if loader != "bls" or not any(sign in line for sign in NOT_BLS)
    }
    with site.picker().edit(f"the disk's loader is {loader}") as edit:
        state, disk = edit.state, Key("target", "disk")
        for at in range(len(LINES)):
            name = f"l{at:02}"
            method = "mixed" if name in kept else "network"
            entries.change(state, "web", name, {"method": method})
        target = {**dict(state.target("disk")), "loaders": (loader,)}
        state.put(disk, Target.model_validate(target))
    _, listed = readers.TREE[loader](Chroot(site.tree))
    for name, line in kept.items():
        assert arrived(listed[f"kp-{name}"].line, line) == typed(line)
