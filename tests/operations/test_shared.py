"""A site of several administrators: all that kp writes is their group's.

As real users: tests/system/test_shared_site.py.
"""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import images
from kpstore.errors import NotFound, Refused
from kpstore.picker import KernelPicker
from kpstore.site.settings import Settings, load, save
from support import drifts
from support.groups import GROUP, kinds, under
from support.sites import (
    SITE_ID,
    SmallSite,
    call_good,
    first_import,
    moving_nodes,
    roll_back,
    second_kernel,
)

pytestmark = pytest.mark.timeout(300)
as_root = pytest.mark.system  # which is: it gives files to other users

FOLDER, FILE, CONSTANT = "drwxrwsr-x", "-rw-rw-r--", "-r--r--r--"
RESERVED = {"drwxrws---", "-rw-rw----"}


def story(site: SmallSite) -> None:
    """Take every step that writes, a new process each."""
    site.create()
    for step in (first_import, call_good, second_kernel, moving_nodes):
        step(site.picker())
    with site.picker().edit() as edit:
        images.change(edit.state, "gpu", {"params": ("kp.draft",)})
    drifts.change_menu(site)  # what was there goes to found/
    site.picker().publish()
    roll_back(site.picker())
    replace(site, day=3).picker().gc()
    replace(site, day=3).picker().commit("the draft")


def written(site: SmallSite) -> dict[str, tuple[str, int]]:
    """Return mode and group of all that kp wrote, by its path."""
    places = {"site": site.root, "tftp": site.tftp, "tree": site.tree}
    return {
        f"{name}/{path}": found
        for name, top in places.items()
        for path, found in kinds(top).items()
        if name != "tree" or not is_distributions(path)
    }


def is_distributions(path: str) -> bool:
    """Tell what the image's maker put into the tree."""
    own = ("boot", "boot/grub", "boot/vmlinuz-6.0", "etc", "lib", "lib/modules")
    return path in own or path.startswith("lib/modules/6.0")


@pytest.fixture
def shared(tmp_path: Path) -> SmallSite:
    return SmallSite(tmp_path, shared=str(GROUP))


@pytest.mark.parametrize("umask", [0o022, 0o077], ids=oct)
def test_all_that_is_written_is_the_groups(shared: SmallSite, umask: int) -> None:
    with under(umask):
        story(shared)
    found = written(shared)
    assert {path for path, (_, group) in found.items() if group != GROUP} == set()
    of_content = ("site/state.git/objects/", "site/state.git/lfs/", "tftp/kp/objects/")
    for path, (text, _) in found.items():
        if "reserve" in path:
            assert text in RESERVED, path
        elif text.startswith("d"):
            assert text == FOLDER, path
        elif path.startswith(of_content):
            assert text == CONSTANT, path
        elif path == "site/state.git/hooks/update":
            assert text == "-rwxrwxr-x"
        elif path.startswith("site/found/"):
            assert text in {FILE, CONSTANT}, path
        else:
            assert text == FILE, path
    for part in ("cache/index.db", "lock", "kp.toml", "seen/net.json", "reserve/00"):
        assert f"site/{part}" in found  # else nothing was proved of it
    assert any(path.startswith("site/found/") for path in found)
    assert any(path.startswith("tftp/kp/shards/") for path in found)
    assert "tree/boot/kp/TARGET" in found
    assert drifts.kinds(shared) == set()


def test_a_site_of_one_is_as_ever(tmp_path: Path) -> None:
    """The modes that there were before sites could be shared, one by one."""
    story(site := SmallSite(tmp_path))
    found = {path: text for path, (text, _) in written(site).items()}
    assert load(site.root / "kp.toml").shared == ""
    assert "sharedRepository" not in (site.root / "state.git/config").read_text()
    others = {
        path: text
        for path, text in found.items()
        if text not in {"drwxr-xr-x", "-rw-r--r--", CONSTANT} and "reserve" not in path
    }
    folders = {"cache", "keys", "found", "seen", "state.git"}
    private = {"kp.toml", "seen/net.json", "seen/disk.json"}
    assert others == {
        **{f"site/{name}": "drwxr-x---" for name in folders},
        **{f"site/{name}": "-rw-r-----" for name in private},
        "site/state.git/hooks/update": "-rwxr-xr-x",
    }


def test_modes_are_fought_over_by_nobody(shared: SmallSite) -> None:
    """What lost its share is not drift; what nodes or strangers would notice is."""
    shared.create()
    first_import(shared.picker())
    for mode in (0o755, 0o775, 0o2755):
        (shared.tftp / "kp").chmod(mode)
        (shared.tree / "boot/kp").chmod(mode)
        [menu, *_] = (shared.tftp / "kp/menus").glob("*/grub")
        menu.chmod(0o644)
        assert drifts.kinds(shared) == set()
        assert {each.condition for each in shared.picker().publish()} == {"live"}
        assert (shared.tftp / "kp").stat().st_mode & 0o7777 == mode
    for mode in (0o700, 0o2777):
        (shared.tftp / "kp").chmod(mode)
        (shared.tree / "boot/kp").chmod(mode)
        assert drifts.kinds(shared) == {"mode"}
        shared.picker().publish()
        assert drifts.kinds(shared) == set()
        assert (shared.tftp / "kp").stat().st_mode & 0o7777 == 0o2775
        assert (shared.tree / "boot/kp").stat().st_mode & 0o7777 == 0o2775


def test_a_target_of_another_group_is_as_ever(shared: SmallSite) -> None:
    shared.make_roots()
    os.chown(shared.tftp, -1, GROUP + 1 if os.geteuid() == 0 else GROUP)
    KernelPicker.create(
        shared.root, shared.caller(), site_id=SITE_ID, name="x", shared=shared.shared
    )
    shared.save_paths()
    first_import(shared.picker())
    if os.geteuid() == 0:
        assert kinds(shared.tftp)["kp"][0] == "drwxr-xr-x"
    assert kinds(shared.tree)["boot/kp"] == (FOLDER, GROUP)
    assert drifts.kinds(shared) == set()


@as_root
def test_the_repository_may_be_any_members(
    shared: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.create()
    first_import(shared.picker())
    members = {4001}
    monkeypatch.setattr(
        "kpstore.disk.sharing.is_member", lambda user, _: user in members
    )
    for top in (shared.root, shared.tftp, shared.tree):
        for path in (top, *top.rglob("*")):
            os.chown(path, 4001, -1, follow_symlinks=False)
    assert drifts.kinds(shared) == set()
    second_kernel(shared.picker())
    assert drifts.kinds(shared) == set()
    members.clear()
    with pytest.raises(Refused) as refused:
        shared.picker()
    git = shared.root / "state.git"
    assert refused.value.message.startswith(f"{git} belongs to user 4001, who is not")
    assert refused.value.hint == f"as root: chown -R 0 {git}"
    members.add(4001)
    os.chown(git, 4001, 0)
    with pytest.raises(Refused) as refused:
        shared.picker()
    assert refused.value.hint == f"as root: chgrp -R {GROUP} {git}"


@as_root
def test_nobody_else_may_have_made_a_site_of_one(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    os.chown(site.root / "state.git", 4001, -1)
    with pytest.raises(Refused) as refused:
        site.picker()
    assert refused.value.message.endswith("belongs to user 4001")


def test_a_settings_file_that_cant_be_read_takes_nothing_from_the_group(
    shared: SmallSite,
) -> None:
    shared.create()
    first_import(shared.picker())
    call_good(shared.picker())
    second_kernel(shared.picker())
    (shared.root / "kp.toml").write_text("no TOML")
    with under(0o077):
        roll_back(shared.picker())
    found = kinds(shared.root)
    assert {group for _, group in found.values()} == {GROUP}
    assert found["state.git/refs/heads/main"][0] == FILE


def test_an_init_that_was_killed_is_gone_on_with(shared: SmallSite) -> None:
    shared.root.mkdir(0o700)
    os.chown(shared.root, -1, GROUP)
    save(shared.root / "kp.toml", Settings({}, {}, shared.shared))
    shared.create()
    assert shared.root.stat().st_mode & 0o7777 == 0o2775
    assert load(shared.root / "kp.toml").shared == str(GROUP)


def test_paths_that_a_person_wrote_are_not_overwritten(shared: SmallSite) -> None:
    shared.root.mkdir()
    save(shared.root / "kp.toml", Settings({"net": shared.tftp}, {}, shared.shared))
    with pytest.raises(Refused, match="not empty"):
        shared.create()


def test_a_group_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as found:
        SmallSite(tmp_path, shared="nosuch").caller()
        KernelPicker.create(
            tmp_path / "site",
            SmallSite(tmp_path).caller(),
            site_id=SITE_ID,
            name="x",
            shared="nosuch-group",
        )
    assert "nosuch-group" in found.value.message
    assert "groupadd nosuch-group" in found.value.hint
    assert not (tmp_path / "site").exists()
