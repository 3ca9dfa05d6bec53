"""An image tree with each loader, from its first commit to the day it is removed.

What the disk would boot is read by machines that know no code of kp.
"""

import hashlib
from pathlib import Path

import pytest

from histories.boots import Linux
from histories.chroot import Chroot
from histories.readers import TREE
from kpstore.loaders import registry
from kpstore.loaders.menu import Linux as Loaded
from kpstore.loaders.menu import Menu, TreeOptions
from support.imagetree import fill, snapshot
from support.sites import call_good, content
from support.treesite import HOME, ORIGINAL, TreeSite, another_kernel, lay_out

LINE = "root=/dev/sda1 quiet"


def switch_of(loader: str) -> str:
    """The path of a loader's own file that chooses."""
    menus = {"a": Menu("web/a", Loaded("/boot/kp/x/vmlinuz"))}
    return registry.disk(loader).files(menus, "a", TreeOptions()).switch


@pytest.fixture(params=sorted(registry.DISK))
def loader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(loader: str, tmp_path: Path) -> TreeSite:
    """A tree with its distribution's own file at the switch's place."""
    site = TreeSite(tmp_path / "site")
    site.where.mkdir()
    picker = site.create()
    own = site.tree / switch_of(loader)
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_bytes(ORIGINAL)
    lay_out(picker, (loader,))
    return site


def boots(site: TreeSite, loader: str) -> tuple[str, dict[str, Linux]]:
    return TREE[loader](Chroot(site.tree))


def linux(release: str) -> Linux:
    sums = (
        hashlib.sha256(content(kind, release)).hexdigest()
        for kind in ("kernel", "initrd")
    )
    kernel, initrd = sums
    return Linux(kernel, (initrd,), LINE)


def add(site: TreeSite, loader: str) -> list[str]:
    words = f"target add disk --kind image --image web --loader {loader} -m again --yes"
    return [*words.split(), "--root", str(site.tree)]


def test_a_commit_a_rollback_and_the_end(site: TreeSite, loader: str) -> None:
    first = {f"kp-k{each}": linux(each) for each in ("6.1", "6.2")}
    assert boots(site, loader) == ("kp-k6.2", first)
    picker = site.picker()
    call_good(picker)
    another_kernel(picker)
    assert boots(site, loader) == ("kp-k6.3", {**first, "kp-k6.3": linux("6.3")})

    site.ok("rollback", "web", "-m", "back", "--yes")
    assert boots(site, loader) == ("kp-k6.2", first)
    site.ok("gc")
    assert boots(site, loader) == ("kp-k6.2", first)
    site.ok("verify")

    site.ok("target", "rm", "disk", "-m", "out", "--yes")
    assert (site.tree / switch_of(loader)).read_bytes() == ORIGINAL
    assert not (site.tree / HOME).exists()


def test_what_others_changed_is_found_and_mended(site: TreeSite, loader: str) -> None:
    served, before = boots(site, loader), snapshot(site.tree)
    with (site.tree / switch_of(loader)).open("ab") as file:
        file.write(b"# by hand\n")
    assert switch_of(loader) in site.ok("verify", expected=4).out
    site.ok("publish", "disk")
    assert boots(site, loader) == served
    assert snapshot(site.tree) == before
    site.ok("verify")


def test_a_distribution_s_own_file_gives_way_only_when_told(
    site: TreeSite, loader: str
) -> None:
    site.ok("target", "rm", "disk", "-m", "out", "--yes")
    refused = site.ok(*add(site, loader), expected=1)
    assert switch_of(loader) in refused.err
    site.ok(*add(site, loader), "--replace")
    assert boots(site, loader)[0] == "kp-k6.2"


def test_a_loader_that_would_read_another_file_is_told_of(
    site: TreeSite, loader: str
) -> None:
    site.ok("target", "rm", "disk", "-m", "out", "--yes")
    others = registry.disk(loader).read_instead
    fill(site.tree, dict.fromkeys(others, b""))
    said = site.ok(*add(site, loader), "--replace").err
    assert all(f"{path} is there: {text}" in said for path, text in others.items())
    assert said.count("is there") == len(others)
