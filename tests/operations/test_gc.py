"""Sweeping: garbage goes, what is needed stays."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.operations.retention import Keeping
from kpstore.site.targets import SiteTarget
from support import sites
from support.sites import SmallSite, call_good, first_import, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def test_gc_keeps_main_drafts_good_ones_and_the_young(site: SmallSite) -> None:
    picker = site.picker()
    stray = picker.site.artifacts.add_stream([b"nobody's"]).sha256
    os.utime(picker.site.artifacts.path(stray), (sites.NOW, sites.NOW))
    assert picker.gc().artifacts == []  # it is younger than the grace time
    later = replace(site, day=1).picker()
    assert later.gc(dry_run=True).artifacts == [stray]
    assert later.site.artifacts.has(stray)
    assert later.gc().artifacts == [stray]
    assert not later.site.artifacts.has(stray)
    assert sites.roll_back(site.picker()).revision


def test_what_a_sweep_could_not_take_the_next_writers_look_for(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until one gets through; a commit of something else is enough."""
    tried: list[str] = []

    def fails(_: Keeping, target: SiteTarget) -> None:
        tried.append(target.name)
        raise OSError(errno.EIO, "the disk says no")

    with monkeypatch.context() as broken:
        broken.setattr(Keeping, "_sweep", fails)
        assert len(site.picker().gc().refused) == 2
        sites.small_edit(site.picker())
        assert tried == ["disk", "net"] * 2
    temp = site.tree / "lib/modules/.kp-tmp-1.2-x"
    temp.mkdir()
    sites.small_edit(site.picker())
    assert not temp.exists()
    temp.mkdir()
    sites.small_edit(site.picker())  # nobody is in doubt any more: `kp gc` takes it
    assert temp.exists()
