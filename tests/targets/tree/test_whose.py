"""Whose a module tree is: `kp verify` and `kp publish` agree, and end.

What the distribution owns is its own: said, never changed, no drift. What kp placed
is mended. A listed kernel's modules that are gone are drift, whoever had them there.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.imagetree import snapshot
from support.treesite import TreeSite, copy, template

Change = Callable[[Path], None]


def more(modules: Path) -> None:
    """dkms builds a module; depmod counts it in."""
    (modules / "updates/dkms").mkdir(parents=True)
    (modules / "updates/dkms/zfs.ko").write_bytes(b"zfs")
    (modules / "modules.dep").write_text("updates/dkms/zfs.ko:\n")


def rebuilt(modules: Path) -> None:
    """The package came again, built anew."""
    (modules / "kernel/a.ko").write_bytes(b"another build")


def replaced(modules: Path) -> None:
    """Another folder has its name."""
    shutil.rmtree(modules)
    (modules / "kernel/fs").mkdir(parents=True)
    (modules / "kernel/fs/b.ko").write_bytes(b"of another kernel")


def weak_updates(modules: Path) -> None:
    """weak-modules links a module of another release in, and one of this."""
    (modules / "weak-updates").mkdir()
    (modules / "weak-updates/b.ko").symlink_to("../../6.0/extra/b.ko")
    (modules / "weak-updates/a.ko").symlink_to("../kernel/a.ko")


def one_less(modules: Path) -> None:
    """dkms moved the module that came with the kernel away."""
    (modules / "updates").mkdir()
    (modules / "updates/a.ko").write_bytes(b"newer")
    (modules / "kernel/a.ko").unlink()


def nested(modules: Path) -> None:
    """Directories beyond reason."""
    here = os.open(modules, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("d", dir_fd=here)
        inside = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inside
    os.close(here)


def a_fifo_in_it(modules: Path) -> None:
    os.mkfifo(modules / "pipe")


def by_a_link(modules: Path) -> None:
    """The distribution keeps its modules elsewhere."""
    rebuilt(modules)
    modules.rename(modules.with_name("elsewhere"))
    modules.symlink_to("elsewhere")


def gone(modules: Path) -> None:
    shutil.rmtree(modules)


def emptied(modules: Path) -> None:
    shutil.rmtree(modules)
    modules.mkdir()


def left_over(modules: Path) -> None:
    """The package was removed; depmod's lists stay."""
    shutil.rmtree(modules / "kernel")


def a_file(modules: Path) -> None:
    shutil.rmtree(modules)
    modules.write_bytes(b"a file")


def a_lost_link(modules: Path) -> None:
    shutil.rmtree(modules)
    modules.symlink_to("nowhere")


CHANGED = (
    more,
    rebuilt,
    replaced,
    weak_updates,
    one_less,
    nested,
    a_fifo_in_it,
    by_a_link,
)
GONE = (gone, emptied, left_over, a_file, a_lost_link)
THEIRS, OURS = "6.1", "6.2"


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TreeSite:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "site")


def modules(site: TreeSite, release: str) -> Path:
    return site.tree / "lib/modules" / release


def kept(site: TreeSite) -> list[Path]:
    return [path for path in (site.root / "found").rglob("*") if path.is_file()]


@pytest.mark.parametrize("change", CHANGED)
def test_what_the_distribution_changed_is_its_own(
    site: TreeSite, change: Change
) -> None:
    change(modules(site, THEIRS))
    before = snapshot(site.tree / "lib")
    for _ in range(2):
        [told] = site.ok("verify", "--json").json
        [found] = told["findings"]
        assert (found["path"], found["kind"]) == (f"lib/modules/{THEIRS}", "kept")
        assert f"--installed {THEIRS} --replace" in found["detail"]
        site.ok("verify", "--quick")
        site.ok("status")
        site.ok("publish")
        assert snapshot(site.tree / "lib") == before
        assert kept(site) == []


@pytest.mark.parametrize("change", CHANGED)
def test_what_kp_placed_is_mended_and_what_others_did_is_kept(
    site: TreeSite, change: Change
) -> None:
    before = snapshot(modules(site, OURS))
    change(modules(site, OURS))
    site.ok("verify", expected=4)
    site.ok("publish")
    assert snapshot(modules(site, OURS)) == before
    site.ok("verify")
    if change in (more, rebuilt, one_less):
        data = {path.read_bytes() for path in kept(site)}
        assert data & {b"zfs", b"another build", b"newer"}


@pytest.mark.parametrize("release", [THEIRS, OURS])
@pytest.mark.parametrize("change", GONE)
def test_modules_of_a_listed_kernel_that_are_gone_are_placed(
    site: TreeSite, change: Change, release: str
) -> None:
    before = snapshot(modules(site, release))
    change(modules(site, release))
    [told] = site.ok("verify", "--json", expected=4).json
    assert any(f"lib/modules/{release}" in each["path"] for each in told["findings"])
    site.ok("publish")
    site.ok("verify")
    assert snapshot(modules(site, release)) == before


def test_the_verb_that_is_named_takes_the_new_modules_in(site: TreeSite) -> None:
    more(modules(site, THEIRS))
    [told] = site.ok("verify", "--json").json
    assert (
        "kp kernel add web --installed 6.1 --replace" in told["findings"][0]["detail"]
    )


@pytest.mark.parametrize("change", [*CHANGED, *GONE])
@pytest.mark.parametrize("release", [THEIRS, OURS])
def test_no_change_there_stops_a_rollback_or_what_mends_a_lost_marker(
    site: TreeSite, change: Change, release: str
) -> None:
    change(modules(site, release))
    (site.tree / "boot/kp/live").unlink()
    site.ok("verify", expected=6)
    site.ok("rollback", "web", "-m", "back", "--yes")
    site.ok("publish")
    site.ok("verify")


def test_a_kernel_that_was_gone_comes_back_beside_changed_modules(
    site: TreeSite,
) -> None:
    """Its release is no longer the marker's: nothing is known of the place."""
    site.ok("entry", "rm", "web", "k6.1", "-m", "out", "--yes")
    more(modules(site, THEIRS))
    site.ok("rollback", "web", "--to", "r2", "-m", "back", "--yes")
    [told] = site.ok("verify", "--json").json
    assert [each["kind"] for each in told["findings"]] == ["kept"]
    assert (modules(site, THEIRS) / "updates/dkms/zfs.ko").exists()
