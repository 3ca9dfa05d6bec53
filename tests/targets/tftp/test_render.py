"""Limits of what is rendered, held before a commit."""

from pathlib import Path

import pytest

from kpstore.edits import entries, targets
from kpstore.errors import Refused
from kpstore.picker import KernelPicker
from support import sites
from support.sites import first_import, second_kernel

LONG = tuple(f"kp.p{number}={'x' * 60}" for number in range(30))


def add_long(picker: KernelPicker, image: str, method: str) -> None:
    fields = {"kernel": "6.1", "method": method, "params": ("panic=9", *LONG)}
    with picker.edit("long") as edit:
        entries.add(edit.state, image, "long", fields)


@pytest.mark.parametrize("method", ["local", "mixed"])
def test_a_line_that_a_disk_s_loader_would_cut_is_refused(
    tmp_path: Path, method: str
) -> None:
    site = sites.make(tmp_path, first_import)
    config = site.tree / "boot/grub/grub.cfg"
    before, tip = config.read_bytes(), site.picker().site.tip()
    with pytest.raises(Refused, match="the tree of web is 2,"):
        add_long(site.picker(), "web", method)
    assert (config.read_bytes(), site.picker().site.tip()) == (before, tip)


def test_a_tree_that_comes_later_is_held_to_it_too(tmp_path: Path) -> None:
    site = sites.make(tmp_path, first_import)
    with site.picker().edit("no tree yet") as edit:
        targets.remove(edit.state, "disk")
    add_long(site.picker(), "web", "local")
    again = {"kind": "image", "loaders": ("grub",), "image": "web"}
    with (
        pytest.raises(Refused, match="the tree of web is 2,"),
        site.picker().edit("a tree") as edit,
    ):
        targets.add(edit.state, "disk", again)


def test_an_entry_that_nothing_boots_may_be_long(tmp_path: Path) -> None:
    site = sites.make(tmp_path, first_import)
    add_long(site.picker(), "web", "network")
    assert second_kernel(site.picker()).revision == "r4"
