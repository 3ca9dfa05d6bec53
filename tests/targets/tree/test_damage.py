"""Whatever kp keeps in an image tree, damaged in whatever way: seen, said and mended.

Places are enumerated from a tree that kp wrote, not from a list.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from support.imagetree import snapshot
from support.privileges import bound_by_modes
from support.rotation import OneIn
from support.treesite import FILES, GRUB, HOME, LIVE, TARGET, TreeSite, copy, template

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def not_root(request: pytest.FixtureRequest) -> Iterator[None]:
    """Modes mean something to kp: root would read all.

    But for what became another's: root alone can make that, and mend it.
    """
    callspec = getattr(request.node, "callspec", None)
    by_root = callspec and callspec.params.get("damage") == "another_owner"
    with nullcontext() if by_root else bound_by_modes():
        yield


def removed(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flipped(path: Path) -> None:
    """Flip one bit, size and times stay."""
    found, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def emptied(path: Path) -> None:
    if path.is_dir():
        removed(path)
        path.mkdir()
    else:
        os.truncate(path, 0)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").write_bytes(b"mine")


def a_file(path: Path) -> None:
    removed(path)
    path.write_bytes(b"mine")


def linked(path: Path, text: str) -> None:
    path.rename(path.with_name(f"{path.name}.was"))
    path.symlink_to(text)


def a_relative_link(path: Path) -> None:
    linked(path, f"{path.name}.was")


def an_absolute_link(path: Path) -> None:
    linked(path, f"{path}.was")


def a_dangling_link(path: Path) -> None:
    removed(path)
    path.symlink_to("nowhere/at-all")


def a_fifo(path: Path) -> None:
    removed(path)
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    removed(path)
    here = os.open(path.parent, os.O_RDONLY)  # a socket's path may have 108 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def another_mode(path: Path) -> None:
    path.chmod(0o700 if path.is_dir() else 0o600)


def unreadable(path: Path) -> None:
    path.chmod(0)


def another_owner(path: Path) -> None:
    os.chown(path, 4711, 4711)


Damage = Callable[[Path], None]
OF_ANY = (
    removed,
    emptied,
    a_relative_link,
    an_absolute_link,
    a_dangling_link,
    a_fifo,
    a_socket,
    another_mode,
    another_owner,
)
OF_FILES = (truncated, flipped, a_folder, unreadable)
OF_FOLDERS = (a_file,)
DAMAGES = {each.__name__: each for each in (*OF_ANY, *OF_FILES, *OF_FOLDERS)}
PARAMETERS = [  # what only root can do is one of the system tests
    pytest.param(name, marks=[pytest.mark.system] * (name == "another_owner"))
    for name in DAMAGES
]
UNREAD = {"flipped"}  # in objects and modules a quick look does not see it


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> TreeSite:
    return template(tmp_path_factory.getbasetemp())


def applies(damage: str, path: Path) -> bool:
    if path.is_dir():
        return damage not in {each.__name__ for each in OF_FILES} and not (
            damage == "emptied" and not any(path.iterdir())
        )
    return damage not in {each.__name__ for each in OF_FOLDERS}


def names(found: list[dict[str, Any]], place: str) -> bool:
    """Tell whether the place is named, or what is in it."""
    paths = [each["path"] for each in found]
    return any(
        each == place or each.startswith(f"{place}/") or place.startswith(f"{each}/")
        for each in paths
    )


def is_lost(site: TreeSite) -> bool:
    """Tell whether kp can't know whose tree it is."""
    [target] = site.kp("verify", "--json").json
    return bool(target["condition"] == "absent")


def see(site: TreeSite, place: str, damage: str) -> None:
    """Three views, one judgement."""
    deep = site.kp("verify", "--json")
    [told] = deep.json
    assert deep.status in (4, 6), (place, damage, deep)
    assert names(told["findings"], place), (place, damage, told)
    is_object = place.startswith(f"{HOME}/") and place not in (TARGET, LIVE, FILES)
    is_inside = place.startswith("lib/modules/") and place.count("/") > 2
    if is_inside or (is_object and damage in UNREAD):
        return  # verify alone reads it
    quick, status = site.kp("verify", "--quick", "--json"), site.kp("status", "--json")
    assert quick.status == status.status == deep.status, (place, damage, quick, status)
    assert names(quick.json[0]["findings"], place)
    drift = status.json["drift"]
    assert names(drift, place), (place, damage, status)
    told_bad = [
        each["text"]
        for each in site.kp("doctor", "--json").json
        if each["about"] == "target disk" and each["level"] == "bad"
    ]
    assert any(each["path"] in text for each in drift for text in told_bad)
    [line] = status.json["targets"]
    assert line["condition"] == told["condition"] == quick.json[0]["condition"]
    if line["condition"] == "absent":
        assert any("kp target adopt" in each["detail"] for each in drift)


def mend(site: TreeSite) -> None:
    """What a person does who reads what kp says."""
    lost = is_lost(site)
    done = site.ok("publish", expected=6 if lost else 0)
    if lost:
        assert "kp target adopt disk" in done.out + done.err
        site.ok("target", "adopt", "disk")
        site.ok("publish")


def whole(site: TreeSite) -> dict[str, tuple[object, ...]]:
    """All but the record of claims, which a publish narrows, and what was moved."""
    found = snapshot(site.tree)
    return {
        path: each
        for path, each in found.items()
        if path not in (FILES, LIVE)
        and not path.endswith(".was")
        and ".was/" not in path
    }


def damaged(
    made: TreeSite, where: Path, damage: str, one_in: OneIn
) -> Iterator[tuple[TreeSite, str]]:
    """Yield a copy of the site for each place of the day, damaged there."""
    places, turn = [*made.places()], list(DAMAGES).index(damage)
    for place in [*places[turn:], *places[:turn]][one_in(4)]:
        if applies(damage, made.tree / place):
            site = copy(made, where / "site")
            DAMAGES[damage](site.tree / place)
            yield site, place
            shutil.rmtree(site.where)


@pytest.mark.parametrize("damage", PARAMETERS)
def test_every_damage_is_seen_and_mended(
    made: TreeSite, tmp_path: Path, damage: str, one_in: OneIn
) -> None:
    before = whole(made)
    for site, place in damaged(made, tmp_path, damage, one_in):
        see(site, place, damage)
        mend(site)
        site.ok("verify")
        assert whole(site) == before, (place, damage)


@pytest.mark.parametrize("damage", PARAMETERS)
def test_a_rollback_reaches_the_tree_whatever_lies_there(
    made: TreeSite, tmp_path: Path, damage: str, one_in: OneIn
) -> None:
    for site, place in damaged(made, tmp_path, damage, one_in):
        done = site.kp("rollback", "web", "-m", "back", "--yes")
        if place == HOME and damage != "another_mode" and done.status == 6:
            assert "kp target adopt disk" in done.out + done.err
            site.ok("target", "adopt", "disk")
            site.ok("publish")
        else:
            assert done.status == 0, (place, damage, done)
        assert b"k6.3" not in (site.tree / GRUB).read_bytes(), (place, damage)
        site.ok("publish")
        site.ok("verify")
