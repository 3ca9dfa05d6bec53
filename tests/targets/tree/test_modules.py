"""Module trees: added, exchanged for a rebuild, the distribution's left alone."""

import hashlib
from pathlib import Path

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.formats.module_tar import Packing
from kpstore.targets.keep import Keep
from kpstore.targets.tree.modules import content
from support.imagetree import ImageRig, Kernel, fill, grub, publish, snapshot

DEP = {"modules.dep": b""}


@pytest.fixture
def rig(tmp_path: Path) -> ImageRig:
    made = ImageRig(tmp_path).make()
    made.target().create()
    return made


def kernel(rig: ImageRig, release: str, driver: bytes) -> Kernel:
    files = {**DEP, "kernel/net/e1000.ko": driver, "kernel/alias.ko": "net/e1000.ko"}
    return rig.kernel(b"kernel of " + driver, release, files)


def driver(rig: ImageRig, release: str) -> bytes:
    return (rig.root / "lib/modules" / release / "kernel/alias.ko").read_bytes()


def test_modules_follow_the_images_links(rig: ImageRig) -> None:
    publish(rig.target(), grub(1, kernel(rig, "6.9", b"one")))
    assert (rig.root / "lib").is_symlink()
    assert (rig.root / "usr/lib/modules/6.9/kernel/alias.ko").is_symlink()
    assert driver(rig, "6.9") == b"one"


def test_an_absolute_link_means_the_images_own_root(tmp_path: Path) -> None:
    rig = ImageRig(tmp_path)
    fill(rig.root, {"usr/lib/x": b"", "lib": "/usr/lib"})
    rig.target().create()
    publish(rig.target(), grub(1, kernel(rig, "6.9", b"one")))
    assert (rig.root / "usr/lib/modules/6.9/modules.dep").exists()


def test_a_tree_without_lib_gets_one(tmp_path: Path) -> None:
    rig = ImageRig(tmp_path)
    rig.root.mkdir()
    rig.target().create()
    publish(rig.target(), grub(1, kernel(rig, "6.9", b"one")))
    assert driver(rig, "6.9") == b"one"


def test_a_rebuild_of_the_release_is_exchanged_and_back(rig: ImageRig) -> None:
    one, two = kernel(rig, "6.9", b"one"), kernel(rig, "6.9", b"two")
    publish(rig.target(), grub(1, one))
    before = snapshot(rig.root / "usr")
    staged = rig.target().stage(grub(2, two))
    assert driver(rig, "6.9") == b"one"
    staged.switch()
    assert driver(rig, "6.9") == b"two"
    publish(rig.target(), grub(3, one))
    assert snapshot(rig.root / "usr") == before


def test_two_builds_of_one_release_cannot_both_be_listed(rig: ImageRig) -> None:
    one, two = kernel(rig, "6.9", b"one"), kernel(rig, "6.9", b"two")
    with pytest.raises(Refused, match=r"release 6\.9"):
        grub(1, one, two)


def test_staged_modules_are_gone_when_discarded(rig: ImageRig) -> None:
    publish(rig.target(), grub(1, kernel(rig, "6.9", b"one")))
    before = snapshot(rig.root)
    added, rebuilt = kernel(rig, "6.12", b"new"), kernel(rig, "6.9", b"two")
    rig.target().stage(grub(2, rebuilt, added)).discard()
    assert snapshot(rig.root) == before


def test_a_switch_that_failed_half_way_goes_on(
    rig: ImageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = kernel(rig, "6.9", b"one"), kernel(rig, "6.9", b"two")
    publish(rig.target(), grub(1, one))
    staged = rig.target().stage(grub(2, two))
    with monkeypatch.context() as broken, pytest.raises(OSError, match="no"):
        broken.setattr("kpstore.disk.beneath.Beneath.remove_tree", _fails)
        staged.switch()
    assert rig.target().unfinished()
    staged.switch()
    assert driver(rig, "6.9") == b"two"
    assert rig.target().verify(grub(2, two), deep=True) == []


def _fails(*args: object) -> None:
    raise OSError(5, "no")


def test_the_distributions_own_tree_is_used_as_it_is(rig: ImageRig) -> None:
    theirs = rig.root / "usr/lib/modules/6.1.0"
    fill(theirs, {"build": "/usr/src/linux-headers-6.1.0"})
    same = {"modules.dep": b"", "kernel/a.ko": b"distribution's module"}
    stock = rig.kernel(b"stock", "6.1.0", same)
    before = snapshot(theirs)
    publish(rig.target(), grub(1, stock))
    assert rig.target().verify(grub(1, stock), deep=True) == []
    publish(rig.target(), grub(2, kernel(rig, "6.9", b"one")))
    assert rig.target().sweep(Keep()) != []
    assert snapshot(theirs) == before
    rig.target().remove({})
    assert snapshot(theirs) == before


def test_another_kernel_of_the_distributions_release_is_refused(rig: ImageRig) -> None:
    before = snapshot(rig.root)
    with pytest.raises(Refused, match=r"lib/modules/6\.1\.0") as refusal:
        rig.target().stage(grub(1, kernel(rig, "6.1.0", b"other")))
    assert "CONFIG_LOCALVERSION" in refusal.value.hint
    assert snapshot(rig.root) == before


def test_kps_tree_with_others_modules_in_it_is_not_exchanged(rig: ImageRig) -> None:
    one, two = kernel(rig, "6.9", b"one"), kernel(rig, "6.9", b"two")
    publish(rig.target(), grub(1, one))
    fill(rig.root, {"usr/lib/modules/6.9/updates/zfs.ko": b"dkms"})
    with pytest.raises(Refused, match="changed by someone else"):
        rig.target().stage(grub(2, two))
    found = rig.where / "found"
    rig.target().repair(grub(1, one), found)
    assert (found / "lib/modules/6.9/updates/zfs.ko").read_bytes() == b"dkms"
    publish(rig.target(), grub(2, two))
    assert driver(rig, "6.9") == b"two"


@pytest.mark.parametrize("there", ["a file", "a link"])
def test_something_else_at_the_releases_place_is_refused(
    rig: ImageRig, there: str
) -> None:
    content = "6.1.0" if there == "a link" else b"file"
    fill(rig.root, {"usr/lib/modules/6.9": content})
    with pytest.raises(Refused):
        rig.target().stage(grub(1, kernel(rig, "6.9", b"one")))


def test_swept_when_no_longer_kept(rig: ImageRig) -> None:
    one, two = kernel(rig, "6.9", b"one"), kernel(rig, "6.12", b"two")
    publish(rig.target(), grub(1, one))
    publish(rig.target(), grub(2, two))
    ours = {one.object.sha256[:12], two.object.sha256[:12]}
    assert rig.target().sweep(Keep(artifacts=ours, releases={"6.9", "6.12"})) == []
    gone = rig.target().sweep(Keep())
    assert set(gone) == {f"boot/kp/{one.object.sha256[:12]}", "lib/modules/6.9"}
    assert not (rig.root / "usr/lib/modules/6.9").exists()
    assert rig.target().verify(grub(2, two), deep=True) == []
    assert rig.target().sweep(Keep()) == []


def test_a_swept_tree_that_others_changed_stays(rig: ImageRig) -> None:
    publish(rig.target(), grub(1, kernel(rig, "6.9", b"one")))
    publish(rig.target(), grub(2, kernel(rig, "6.12", b"two")))
    fill(rig.root, {"usr/lib/modules/6.9/updates/zfs.ko": b"dkms"})
    rig.target().sweep(Keep())
    assert driver(rig, "6.9") == b"one"
    now = grub(2, kernel(rig, "6.12", b"two"))
    for _ in range(2):
        found = rig.target().repair(now, rig.where / "found")
        assert [(f.path, f.kind) for f in found] == [("lib/modules/6.9", "kept")]
    assert not (rig.where / "found").exists()
    assert driver(rig, "6.9") == b"one"
    one = kernel(rig, "6.9", b"one")
    with pytest.raises(Refused, match="changed by someone else"):
        rig.target().stage(grub(3, one))
    rig.target().repair(grub(3, one), rig.where / "found")
    assert (rig.where / "found/lib/modules/6.9/updates/zfs.ko").exists()
    assert rig.target().verify(grub(3, one), deep=True) == []


def test_a_release_whose_tree_someone_removed_is_put_back(rig: ImageRig) -> None:
    one = kernel(rig, "6.9", b"one")
    publish(rig.target(), grub(1, one))
    (rig.root / "usr/lib/modules/6.9").rename(rig.where / "away")
    assert publish(rig.target(), grub(2, one)) == 2
    assert driver(rig, "6.9") == b"one"


def test_what_an_older_kp_packed_of_a_tree_with_links_is_still_that_tree(
    tmp_path: Path,
) -> None:
    """It left out what links lead to: an upgrade alone makes no tree a stranger's."""
    place = tmp_path / "lib/modules/6.1.0"
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt/b.ko").write_bytes(b"\x7fELF")
    place.mkdir(parents=True)
    (place / "a.ko").write_bytes(b"a")
    (place / "b.ko").symlink_to("/opt/b.ko")
    with Beneath.open(tmp_path) as tree:
        before, after = (
            hashlib.sha256(b"".join(packing.chunks())).hexdigest()
            for packing in (
                Packing(tree, "lib/modules/6.1.0", follow=False),
                Packing(tree, "lib/modules/6.1.0"),
            )
        )
        assert before != after
        for known in (before, after):
            assert content(tree, "6.1.0", {known}) == known
        assert content(tree, "6.1.0") == after
