"""Sweeping: garbage goes, what is needed stays."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

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
