"""Looking at what is served: all of it, or what changed since kp wrote there."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.site import comparing
from support import sites
from support.drifts import change_menu, edit_grub, lose_tree_kernel, verified
from support.sites import SmallSite, call_good, first_import, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def test_what_was_just_published_is_clean(site: SmallSite) -> None:
    assert {n: (v.condition, v.findings) for n, v in verified(site).items()} == {
        "net": ("live", []),
        "disk": ("live", []),
    }


@pytest.mark.parametrize("harm", [change_menu, edit_grub, lose_tree_kernel])
def test_a_quick_look_sees_it_and_renders_nothing(
    site: SmallSite, harm: Callable[[SmallSite], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr(comparing, "served_by", never)
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
