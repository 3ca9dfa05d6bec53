"""Which commit last set each part of what a node boots."""

from pathlib import Path

import pytest

from kpstore.edits import groups, images, nodes
from support import sites
from support.sites import SmallSite, first_import, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """r3 a second kernel, r4 the group says more, r5 what concerns no node of web."""
    site = sites.make(tmp_path, first_import, second_kernel)
    with site.picker().edit("louder") as edit:
        groups.change(edit.state, "rack1", {"params": ("console=ttyS0", "debug")})
    with site.picker().edit("elsewhere") as edit:
        images.change(edit.state, "gpu", {"params": ("x=1",)})
    return site


def test_each_part_is_of_the_commit_that_set_it(site: SmallSite) -> None:
    found = site.picker().blame_node("n000")
    said = [
        (line.number, change.field, str(change.new).split(" ", maxsplit=1)[0])
        for line, change in found
        if change.field != "initrd"
    ]
    assert said == [
        (4, "parameter", "debug"),
        (3, "entry", "next"),
        (3, "kernel", "6.2"),
        (2, "image", "web"),
        (2, "method", "mixed"),
        (2, "parameter", "root=/dev/sda1"),
        (2, "parameter", "quiet"),
        (2, "parameter", "panic=10"),
        (2, "parameter", "console=ttyS0"),
    ]
    entry = next(change for _, change in found if change.field == "entry")
    assert (entry.old, entry.new) == ("production", "next")


def test_a_node_that_boots_by_the_policy_has_no_parts(site: SmallSite) -> None:
    with site.picker().edit("stray") as edit:
        nodes.change(edit.state, ["n005"], {"image": None, "index": None})
    assert not site.picker().blame_node("n005")


def test_an_entry_s_fields_are_blamed(site: SmallSite) -> None:
    found = {
        change.field: line.number for line, change in site.picker().blame("web", "next")
    }
    assert set(found.values()) == {3}
    assert {"kernel", "method", "params"} <= found.keys()


def test_why_names_the_commits_that_changed_what_a_node_boots(site: SmallSite) -> None:
    picker = site.picker()
    now = picker.why(picker.view(), "n000")
    assert [line.number for line in now.last] == [4, 3, 2]
    then = picker.why(picker.view("r3"), "n000", 3)
    assert [line.number for line in then.last] == [3, 2]
