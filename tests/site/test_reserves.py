"""Room for a rollback when the disk is full: kept, given up, kept again."""

import shutil
import sys
from pathlib import Path

import pytest

from kpstore.disk.space import Free
from kpstore.edits import targets
from kpstore.errors import DiskFailure, Refused
from kpstore.operations.outcome import Outcome
from kpstore.operations.rollback import Rollback
from support import sites
from support.crash.mounts import mounted_tmpfs, private_namespace, resize_tmpfs
from support.crash.parallel import in_processes
from support.crash.smallfs import Room
from support.sites import SmallSite, call_good, first_import, second_kernel

WEB = Rollback(("web",))
PLENTY = Free(1 << 40, sys.maxsize)
SHORT = Free(1 << 20, sys.maxsize)


def free_is(monkeypatch: pytest.MonkeyPatch, left: Free) -> None:
    monkeypatch.setattr("kpstore.disk.reserve.free", lambda _: left)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallSite:
    free_is(monkeypatch, PLENTY)
    return sites.make(tmp_path, first_import, call_good, second_kernel)


def whole(site: SmallSite) -> tuple[bool, bool]:
    """Tell whether the site's reserve is there, and the TFTP root's."""
    picker = site.picker()
    [net] = [t for t in picker.site.targets(picker.view("HEAD")) if t.name == "net"]
    reserve = getattr(net.publisher, "reserve", None)
    assert reserve
    return picker.site.reserve.is_whole(), reserve.is_whole()


def test_whoever_commits_keeps_it_and_nothing_of_it_is_drift(site: SmallSite) -> None:
    assert whole(site) == (True, True)
    assert not list(site.tree.rglob("*reserve*"))
    for verified in site.picker().verify(deep=True):
        assert verified.drift == []
    shutil.rmtree(site.tftp / "kp/reserve")
    (site.root / "reserve/00").unlink()
    for verified in site.picker().verify(deep=True):
        assert verified.drift == []
    sites.small_edit(site.picker())
    assert whole(site) == (True, True)


def test_a_rollback_gives_it_up_where_room_is_short(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_is(monkeypatch, SHORT)
    site.picker().rollback(Rollback(("web",), dry_run=True))
    assert whole(site) == (True, True)
    sites.small_edit(site.picker())
    assert whole(site) == (True, True)
    outcome = site.picker().rollback(WEB)
    assert "the reserve of target net is given up" in "\n".join(outcome.notes)
    assert not (site.root / "reserve").exists()
    free_is(monkeypatch, PLENTY)
    sites.small_edit(site.picker())
    assert whole(site) == (True, True)


def test_where_there_is_room_it_stays(site: SmallSite) -> None:
    before = (site.root / "reserve").stat().st_ino
    outcome = site.picker().rollback(WEB)
    assert "reserve" not in "\n".join(outcome.notes)
    assert (site.root / "reserve").stat().st_ino == before


def advice(site: SmallSite) -> list[tuple[str, str, str]]:
    """What the doctor says of reserves."""
    examined = site.picker().examine()
    return [(e.level, e.text, e.mend) for e in examined if e.about == "reserve"]


def test_the_doctor_says_when_one_is_gone_and_how_it_comes_back(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_ones = [
        ("ok", "of the site: whole", ""),
        ("ok", "of target net: whole", ""),
    ]
    assert advice(site) == whole_ones
    shutil.rmtree(site.root / "reserve")
    (site.tftp / "kp/reserve/07").unlink()
    for level, text, mend in advice(site):
        assert level == "note"
        assert "gone or not whole" in text
        assert mend == "the next commit makes it again"
    free_is(monkeypatch, SHORT)
    mends = [mend for _, _, mend in advice(site)]
    assert mends[0].startswith("free 32 MiB and 128 inodes there; the next commit")
    assert mends[1] == "the next commit makes it again"
    free_is(monkeypatch, PLENTY)
    sites.small_edit(site.picker())
    assert advice(site) == whole_ones


@pytest.mark.parametrize("way", ["rmdir", "hold", "disable"])
def test_of_a_target_that_is_not_to_be_touched_the_doctor_says_nothing(
    site: SmallSite, way: str
) -> None:
    picker = site.picker()
    [net] = [t for t in picker.site.targets(picker.view("HEAD")) if t.name == "net"]
    if way == "rmdir":
        shutil.rmtree(site.tftp)
    elif way == "hold":
        assert net.publisher
        net.publisher.set_hold("a person looks")
    else:
        with picker.edit("for a while") as edit:
            targets.enable(edit.state, "net", enabled=False)
    assert [text for _, text, _ in advice(site)] == ["of the site: whole"]


def test_it_goes_with_its_target(site: SmallSite) -> None:
    with site.picker().edit("net goes") as edit:
        targets.remove(edit.state, "net")
    assert not (site.tftp / "kp/reserve").exists()


# --- really full


def rolled_back_when_full(where: Path, place: str, room: Room, *, kept: bool) -> object:
    """Roll back with the site or the TFTP root on a full disk; say what came of it."""
    private_namespace()
    site = SmallSite(where)
    disk, aside = where / place, where / "aside"
    disk.rename(aside)
    disk.mkdir()
    with mounted_tmpfs(disk, "size=1g,nr_inodes=1000000"):
        shutil.copytree(aside, disk, symlinks=True, dirs_exist_ok=True)
        if not kept:
            shutil.rmtree(next(disk.rglob("reserve")))
        resize_tmpfs(disk, room.options(disk))
        try:
            return _said(site.picker().rollback(WEB), site)
        except (DiskFailure, Refused) as error:
            return type(error).__name__


def _said(outcome: Outcome, site: SmallSite) -> object:
    mac = sites.mac(2).replace(":", "-")
    menu = (site.tftp / f"pxelinux.cfg/01-{mac}").read_text()
    conditions = {target.name: target.condition for target in outcome.targets}
    return conditions["net"], "kp: web/production" in menu


@pytest.mark.system
@pytest.mark.parametrize("room", [Room(0), Room(None, 0), Room(0, 0), Room(1, 3)])
@pytest.mark.parametrize("place", ["site", "tftp"])
def test_a_rollback_goes_through_on_a_full_disk(
    tmp_path: Path, place: str, room: Room
) -> None:
    sites.make(tmp_path, first_import, call_good, second_kernel)

    def share(_: int) -> object:
        return rolled_back_when_full(tmp_path, place, room, kept=True)

    assert in_processes(1, share) == [("live", True)]


@pytest.mark.system
@pytest.mark.parametrize(
    ("place", "said"), [("site", "DiskFailure"), ("tftp", ("lagging", False))]
)
def test_without_a_reserve_it_would_not(
    tmp_path: Path, place: str, said: object
) -> None:
    sites.make(tmp_path, first_import, call_good, second_kernel)

    def share(_: int) -> object:
        return rolled_back_when_full(tmp_path, place, Room(0, 0), kept=False)

    assert in_processes(1, share) == [said]
