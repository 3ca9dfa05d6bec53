"""Trees as they come: links for folders, a disk that takes nothing, two targets."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.site.settings import Settings, load, save
from support.imagetree import snapshot
from support.treesite import GRUB, HOME, ORIGINAL, TreeSite, copy, template


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TreeSite:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "site")


LINKS = {  # a folder of the image, where it is instead, what leads there
    "boot/grub": ("usr/share/grub", "../usr/share/grub"),
    "boot/loader": ("etc/loader", "/etc/loader"),
    "boot": ("usr/boot", "/usr/boot"),
    "lib": ("usr/lib", "usr/lib"),
    "lib/modules": ("opt/modules", "/opt/modules"),
}


@pytest.mark.parametrize("folder", LINKS)
def test_a_folder_of_the_images_own_may_be_a_link(site: TreeSite, folder: str) -> None:
    elsewhere, text = LINKS[folder]
    (site.tree / elsewhere).parent.mkdir(parents=True, exist_ok=True)
    (site.tree / folder).rename(site.tree / elsewhere)
    (site.tree / folder).symlink_to(text)
    before = snapshot(site.tree)
    for verb in ("verify", "status", "publish", "verify"):
        site.ok(verb)
    assert snapshot(site.tree) == before
    site.ok("rollback", "web", "-m", "back", "--yes")
    site.ok("verify")
    site.ok("target", "rm", "disk", "-m", "out", "--yes")
    assert (site.tree / folder).is_symlink()
    with Beneath.open(site.tree) as tree:
        assert tree.read(GRUB, None) == ORIGINAL
        assert not tree.exists(HOME)


@contextmanager
def taking_nothing(number: int) -> Iterator[None]:
    """A disk below every tree that refuses to be written to."""

    def refuse(self: Beneath, *args: object, **options: object) -> None:
        raise OSError(number, os.strerror(number), GRUB)

    with pytest.MonkeyPatch.context() as patch:
        for change in ("_changing", "makedirs", "write", "copy_in"):
            patch.setattr(Beneath, change, refuse)
        yield


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_a_disk_that_takes_nothing_is_looked_at_and_left(
    site: TreeSite, number: int
) -> None:
    before, why = snapshot(site.tree), os.strerror(number)
    with taking_nothing(number):
        for verb in ("verify", "status", "publish"):
            site.ok(verb)
        more = ("image", "set", "web", "--params", "nosmt", "-m", "more")
        lags = site.ok(*more, "--yes", expected=6)
        assert f"disk: lagging: the disk refused {GRUB}: {why}" in lags.out
        site.ok("rollback", "web", "-m", "back", "--yes", expected=6)
        told = site.ok("publish", expected=6)
        assert why in told.out + told.err
    assert snapshot(site.tree) == before
    site.ok("publish")
    site.ok("verify")
    assert b"k6.3" not in (site.tree / GRUB).read_bytes()


IMAGE = ("--kind", "image", "--loader", "grub", "-m", "another", "--yes")


def test_one_tree_has_one_target(site: TreeSite) -> None:
    before, root = snapshot(site.tree), str(site.tree)
    same = ("target", "add", "more", "--image", "web", "--root", root)
    refused = site.ok(*same, *IMAGE, expected=1)
    assert "is target disk already" in refused.err
    site.ok("image", "add", "twin", "--arch", "x86_64", "-m", "twin", "--yes")
    trees = load(site.root / "kp.toml").trees
    save(site.root / "kp.toml", Settings({}, {**trees, "twin": site.tree}))
    twin = ("target", "add", "more", "--image", "twin", "--root", root)
    refused = site.ok(*twin, *IMAGE, expected=1)
    assert "is target disk of site" in refused.err
    assert snapshot(site.tree) == before
    site.ok("verify")
