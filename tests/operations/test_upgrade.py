"""A newer kp changes nothing by itself: what an older one drew is live as it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kpstore.loaders.ipxe import network
from kpstore.loaders.syslinux import pxelinux
from kpstore.targets import renderer
from support.cli import Cluster, copy, digest, template

ENTRY = "pxelinux.cfg/01-02-00-00-00-00-07"
LINE = b"# one line more\n"


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


@pytest.fixture
def newer(made: Cluster) -> Iterator[Cluster]:
    """The cluster under a kp whose PXELINUX and iPXE writers draw a line more."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((pxelinux, "write_menu"), (network, "write_default")):
            patch.setattr(module, name, _longer(getattr(module, name)))
        renderer.name.cache_clear()
        yield made
    renderer.name.cache_clear()


def _longer(write: Any) -> Any:
    return lambda *args, **more: write(*args, **more) + LINE


def menu(made: Cluster) -> bytes:
    return (made.tftp / ENTRY).read_bytes()


def test_another_renderer_has_another_name(newer: Cluster) -> None:
    name = renderer.name()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pxelinux, "write_menu", _longer(pxelinux.write_menu))
        renderer.name.cache_clear()
        assert renderer.name() != name


def test_an_upgrade_alone_is_no_drift_and_publish_changes_nothing(
    newer: Cluster,
) -> None:
    before = digest(newer.tftp)
    done = newer.kp("verify")
    assert "older drawn by another version of kp" in done.out
    newer.kp("verify", "--quick")
    newer.kp("status")
    newer.kp("doctor")
    newer.kp("publish")
    newer.kp("good", "web", "-m", "still")
    newer.kp("gc")
    assert digest(newer.tftp) == before
    newer.kp("verify")


def test_the_next_commit_draws_all_of_it_anew_and_the_plan_says_so(
    newer: Cluster,
) -> None:
    newer.kp("image", "set", "db", "--params", "root=/dev/sdb1 panic=5")
    said = "another version of kp drew it: all of it is drawn anew"
    assert said in newer.kp("plan").out
    newer.kp("commit", "-m", "db")
    assert menu(newer).endswith(LINE)  # of web, which the commit doesn't touch
    assert (newer.tftp / "ipxe/boot.ipxe").read_bytes().endswith(LINE)
    assert "boot1 --redraw" not in newer.kp("verify").out
    newer.kp("image", "set", "db", "--params", "root=/dev/sdb1", "-m", "again")
    newer.kp("verify")


def test_what_a_commit_does_not_touch_stays_as_it_was_drawn(newer: Cluster) -> None:
    before = menu(newer)
    newer.kp("target", "disable", "edge-tree", "-m", "rebuilt")
    assert menu(newer) == before
    newer.kp("verify")


def test_redraw(newer: Cluster) -> None:
    newer.kp("publish", "--redraw")
    assert menu(newer).endswith(LINE)
    assert "older" not in newer.kp("verify").out


def test_a_rollback_draws_what_it_goes_to(newer: Cluster) -> None:
    newer.kp("rollback", "web", "--to", "HEAD~1")
    newer.kp("verify")


def test_an_entry_point_is_mended_and_the_menus_stay(newer: Cluster) -> None:
    before = menu(newer)
    (newer.tftp / ENTRY).unlink()
    newer.kp("verify", expected=4)
    newer.kp("publish")
    assert menu(newer) == before
    newer.kp("verify")


@pytest.mark.parametrize("what", ["menu", "STATE"])
def test_what_can_not_be_drawn_as_it_was_is_drawn_anew(
    newer: Cluster, what: str
) -> None:
    file = Path(os.path.realpath(newer.tftp / ENTRY))
    if what == "STATE":
        file = newer.tftp / "kp/live/STATE"
    file.write_bytes(file.read_bytes().replace(b"e", b"x", 1))
    newer.kp("verify", expected=4 if what == "menu" else 6)
    newer.kp("publish")
    assert menu(newer).endswith(LINE)
    newer.kp("verify")
