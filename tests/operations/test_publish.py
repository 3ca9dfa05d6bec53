"""Upkeep: drift is seen and repaired, garbage goes, what is needed stays."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import images
from kpstore.errors import NotFound
from kpstore.operations.upkeep import Verified
from kpstore.site import comparing
from support import sites
from support.sites import SmallSite, call_good, first_import, mac, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def verified(site: SmallSite, *, deep: bool = True) -> dict[str, Verified]:
    return {each.name: each for each in site.picker().upkeep.verify(deep=deep)}


def published(site: SmallSite) -> dict[str, str]:
    picker = site.picker()
    with picker.writing():
        return {each.name: each.condition for each in picker.upkeep.publish()}


def kinds(site: SmallSite) -> set[str]:
    return {f.kind for each in verified(site).values() for f in each.findings}


def test_what_was_just_published_is_clean(site: SmallSite) -> None:
    assert {n: (v.condition, v.findings) for n, v in verified(site).items()} == {
        "net": ("live", []),
        "disk": ("live", []),
    }


def change_menu(site: SmallSite) -> None:
    [menu, *_] = (site.tftp / "kp/menus").glob("*/pxelinux")
    menu.chmod(0o644)
    menu.write_text("edited by hand")


def lose_link(site: SmallSite) -> None:
    (site.tftp / f"pxelinux.cfg/01-{mac(1).replace(':', '-')}").unlink()


def flip_kernel_byte(site: SmallSite) -> None:
    [kernel, *_] = (site.tftp / "kp/objects").glob("*/vmlinuz")
    data = bytearray(kernel.read_bytes())
    data[0] ^= 1
    kernel.chmod(0o644)
    kernel.write_bytes(data)
    kernel.chmod(0o444)


def edit_grub(site: SmallSite) -> None:
    with (site.tree / "boot/grub/grub.cfg").open("a") as file:
        file.write("# by hand\n")


def lose_tree_kernel(site: SmallSite) -> None:
    [kernel, *_] = (site.tree / "boot/kp").glob("*/vmlinuz")
    kernel.unlink()


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


@pytest.mark.parametrize("harm", [change_menu, edit_grub, lose_tree_kernel])
def test_a_quick_look_sees_it_and_renders_nothing(
    site: SmallSite, harm: Callable[[SmallSite], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr(comparing, "render_whole", never)
    looks = verified(site, deep=False)
    assert {name: each.findings for name, each in looks.items()} == {
        "net": [],
        "disk": [],
    }
    harm(site)
    assert any(each.drift for each in verified(site, deep=False).values())


def test_a_foreign_file_beside_entry_points_is_no_drift_to_any_look(
    site: SmallSite,
) -> None:
    """Only a rendering can tell, so one is asked for."""
    (site.tftp / "pxelinux.cfg/C0A80001").write_text("another's\n")
    assert not any(each.drift for each in verified(site, deep=False).values())
    entry = next((site.tftp / "pxelinux.cfg").glob("01-*"))
    entry.unlink()
    [found] = verified(site, deep=False)["net"].drift
    assert (found.path, found.kind) == (f"pxelinux.cfg/{entry.name}", "missing")


def test_a_quick_look_compares_menus_where_no_writer_left_a_note(
    site: SmallSite,
) -> None:
    (site.root / "cache/index.db").unlink()
    assert not any(each.drift for each in verified(site, deep=False).values())
    change_menu(site)
    [found] = verified(site, deep=False)["net"].drift
    assert found.path.endswith("/pxelinux")


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
    with picker.writing(), pytest.raises(NotFound, match="'nope'"):
        picker.upkeep.publish(["nope"])


def test_gc_keeps_main_drafts_good_ones_and_the_young(site: SmallSite) -> None:
    picker = site.picker()
    stray = picker.site.artifacts.add_stream([b"nobody's"]).sha256
    os.utime(picker.site.artifacts.path(stray), (sites.NOW, sites.NOW))
    assert picker.upkeep.gc().artifacts == []  # it is younger than the grace time
    later = replace(site, day=1).picker()
    with later.writing():
        assert later.upkeep.gc(dry_run=True).artifacts == [stray]
        assert later.site.artifacts.has(stray)
        assert later.upkeep.gc().artifacts == [stray]
    assert not later.site.artifacts.has(stray)
    assert sites.roll_back(site.picker()).revision


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
    with picker.writing():
        picker.upkeep.publish(["net"], force=True)
    assert verified(site)["net"].condition == "live"
    assert "web/next" in menu.read_text()
