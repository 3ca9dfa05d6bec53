"""Publishing repairs what drifted, keeps what others wrote, and takes nobody over."""

import shutil
from pathlib import Path

import pytest

from kpstore.edits import images
from kpstore.errors import NotFound
from kpstore.operations.publish import Publish
from support import sites
from support.drifts import (
    change_menu,
    edit_grub,
    flip_kernel_byte,
    kinds,
    lose_link,
    lose_tree_kernel,
    verified,
)
from support.sites import SmallSite, call_good, first_import, mac, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def published(site: SmallSite) -> dict[str, str]:
    picker = site.picker()
    return {each.name: each.condition for each in picker.publish()}


@pytest.mark.parametrize(
    "harm", [change_menu, lose_link, flip_kernel_byte, edit_grub, lose_tree_kernel]
)
def test_drift_is_seen_and_repaired(site: SmallSite, harm: object) -> None:
    assert callable(harm)
    harm(site)
    assert kinds(site)
    assert any(each.drift for each in verified(site).values())
    assert set(published(site).values()) == {"live"}
    assert kinds(site) == set()


def test_what_others_wrote_is_moved_aside_not_lost(site: SmallSite) -> None:
    edit_grub(site)
    published(site)
    kept = [p for p in (site.root / "found").rglob("*") if p.is_file()]
    assert any(b"# by hand" in path.read_bytes() for path in kept)


def test_a_commit_over_an_edited_loader_file_keeps_the_edit(site: SmallSite) -> None:
    edit_grub(site)
    with site.picker().edit("another") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sdb1",)})
    assert "# by hand" not in (site.tree / "boot/grub/grub.cfg").read_text()
    kept = [p for p in (site.root / "found").rglob("*") if p.is_file()]
    assert any(b"# by hand" in path.read_bytes() for path in kept)


def test_a_foreign_file_beside_kps_is_left_alone(site: SmallSite) -> None:
    other = site.tftp / "pxelinux.cfg/C0A80001"
    other.write_text("somebody's")
    published(site)
    assert other.read_text() == "somebody's"


def test_only_named_targets_that_exist(site: SmallSite) -> None:
    picker = site.picker()
    with pytest.raises(NotFound, match="'nope'"):
        picker.publish(Publish(("nope",)))


def test_a_target_of_another_site_is_ahead_until_it_is_adopted(
    site: SmallSite, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = sites.make(tmp_path / "other", first_import)
    menu = site.tftp / f"pxelinux.cfg/01-{mac(0).replace(':', '-')}"
    (site.tftp).rename(tmp_path / "gone")
    shutil.copytree(other.tftp, site.tftp, symlinks=True)
    identity = site.tftp / "kp/TARGET"
    identity.write_text(identity.read_text().replace(sites.SITE_ID, "6" * 32))
    served = menu.read_text()
    assert verified(site)["net"].condition == "ahead"
    assert published(site)["net"] == "ahead"
    assert menu.read_text() == served
    picker = site.picker()
    picker.publish(Publish(("net",), force=True))
    assert verified(site)["net"].condition == "live"
    assert "web/next" in menu.read_text()
