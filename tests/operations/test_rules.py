"""A change of the site's rules moves nodes: it is counted, and served anew."""

from pathlib import Path

import pytest

from kpstore.edits import images, nodes
from kpstore.model.documents import Site
from kpstore.model.keys import Key
from kpstore.model.state import State
from support import bootcheck, sites
from support.sites import SmallSite, first_import, mac, name


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """Consoles in every layer: image, group, node, next boot."""
    site = sites.make(tmp_path, first_import)
    with site.picker().edit("consoles") as edit:
        state = edit.state
        images.change(state, "web", {"params": ("root=/dev/sda1", "console=tty0")})
        nodes.change(state, [name(2), name(3)], {"params": ("console=ttyS3",)})
        nodes.set_next(state, [name(3)], "rescue", ("console=ttyS2",))
    return site


def adds_up_no_more(state: State) -> None:
    rules = {**dict(state.site()), "params_replace": ("console",)}
    state.put(Key("site"), Site(**rules))


def cmdline(site: SmallSite, number: int) -> str:
    entry = site.tftp / f"pxelinux.cfg/01-{mac(number).replace(':', '-')}"
    lines = entry.read_text("utf-8").splitlines()
    return next(line.split(None, 1)[1] for line in lines if "APPEND" in line)


def test_another_rule_for_a_key_is_planned_served_and_verified(
    site: SmallSite,
) -> None:
    before = {number: cmdline(site, number) for number in range(6)}
    with site.picker().edit("rule", dry_run=True) as edit:
        adds_up_no_more(edit.state)
    assert edit.plan
    assert edit.plan.nodes == "n[000-003]"
    with site.picker().edit("rule") as edit:
        adds_up_no_more(edit.state)
    assert edit.outcome
    assert edit.outcome.nodes_changed == 4
    after = {number: cmdline(site, number) for number in range(6)}
    assert {n for n in before if before[n] != after[n]} == {0, 1, 2, 3}
    assert "console=ttyS2" in after[3]
    assert "console=ttyS3" not in after[3]
    picker = site.picker()
    for number in range(4):
        shown = picker.why(picker.view(), name(number)).entry
        assert shown
        assert shown.cmdline == after[number]
    assert bootcheck.clean(site) == []
    assert all(not each.drift for each in picker.verify(deep=True))
