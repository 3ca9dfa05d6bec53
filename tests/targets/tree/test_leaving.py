"""`kp target rm`: what it puts back, what it says of a tree that it can't reach."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from kpstore.site.settings import Settings, save
from support.imagetree import snapshot
from support.treesite import (
    FILES,
    GRUB,
    HOME,
    LIVE,
    LOADER,
    ORIGINAL,
    TARGET,
    TreeSite,
    copy,
    template,
)

SHA = hashlib.sha256(ORIGINAL).hexdigest()


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TreeSite:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "site")


def leave(site: TreeSite) -> list[str]:
    done = site.ok("target", "rm", "disk", "-m", "out", "--yes", "--json")
    warnings: list[str] = done.json["warnings"]
    return warnings


def test_the_distributions_own_comes_back(site: TreeSite) -> None:
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert not (site.tree / HOME).exists()
    assert sorted(os.listdir(site.tree / "lib/modules")) == ["6.1"]


def test_a_disabled_tree_gets_it_back_too(site: TreeSite) -> None:
    site.ok("target", "disable", "disk", "-m", "for a while", "--yes")
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert not (site.tree / HOME).exists()


@pytest.mark.parametrize("lost", [FILES, LIVE])
def test_a_lost_record_is_made_up_for_by_the_other(site: TreeSite, lost: str) -> None:
    (site.tree / lost).write_bytes(b"{")
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert not (site.tree / LOADER).exists()
    assert sorted(os.listdir(site.tree / "lib/modules")) == ["6.1"]


def test_a_tree_that_lost_both_is_made_up_for_by_the_site(site: TreeSite) -> None:
    shutil.rmtree(site.tree / HOME)
    site.ok("target", "adopt", "disk")
    site.ok("publish")
    site.ok("verify")
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL


def test_what_is_there_when_the_record_is_lost_is_no_original(site: TreeSite) -> None:
    shutil.rmtree(site.tree / HOME)
    (site.tree / GRUB).write_bytes(b"by hand\n")
    site.ok("target", "adopt", "disk")
    site.ok("publish")
    kept = [path.read_bytes() for path in (site.root / "found").rglob("grub.cfg")]
    assert b"by hand\n" in kept
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL


def test_a_tree_that_is_not_mounted_is_said_to_keep_what_kp_wrote(
    site: TreeSite,
) -> None:
    site.tree.rename(site.where / "away")
    said, original = leave(site)
    assert f"{site.tree} is not there" in said
    assert "add the target again and remove it" in said
    assert SHA in original
    site.ok("gc")
    (site.where / "away").rename(site.tree)
    image = ("--kind", "image", "--image", "web", "--loader", "grub", "--replace")
    again = ("--loader", "bls", "--root", str(site.tree), "-m", "again", "--yes")
    site.ok("target", "add", "disk", *image, *again)
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL


def test_a_tree_that_lost_its_identity_is_left_as_it_is(site: TreeSite) -> None:
    (site.tree / TARGET).unlink()
    before = snapshot(site.tree)
    stays, original = leave(site)
    assert TARGET in stays
    path = site.root / "state.git/lfs/objects" / SHA[:2] / SHA[2:4] / SHA
    assert f"cp {path} {site.tree / GRUB}" in original
    assert path.read_bytes() == ORIGINAL
    assert snapshot(site.tree) == before


def test_an_original_that_is_gone_is_said_and_what_is_listed_stays(
    site: TreeSite,
) -> None:
    path = site.root / "state.git/lfs/objects" / SHA[:2] / SHA[2:4] / SHA
    path.unlink()
    before = snapshot(site.tree)
    stays, original = leave(site)
    assert "can't be put back" in stays
    assert SHA in original
    assert "is gone" in original
    assert snapshot(site.tree) == before


def test_another_sites_tree_is_not_touched(site: TreeSite) -> None:
    (site.tree / TARGET).write_text('{"site": "theirs", "target": "x", "hold": ""}')
    before = snapshot(site.tree)
    assert leave(site) == []
    assert snapshot(site.tree) == before


def test_without_a_path_here_it_goes_in_peace(site: TreeSite) -> None:
    save(site.root / "kp.toml", Settings({}, {}))
    assert leave(site) == []


def test_what_others_wrote_over_the_original_stays_and_the_original_is_named(
    site: TreeSite,
) -> None:
    (site.tree / GRUB).write_bytes(b"by hand\n")
    [said] = leave(site)
    assert GRUB in said
    assert SHA in said
    assert (site.tree / GRUB).read_bytes() == b"by hand\n"


def test_a_folder_of_the_original_that_is_gone_is_made(site: TreeSite) -> None:
    shutil.rmtree(site.tree / "boot/grub")
    assert leave(site) == []
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
