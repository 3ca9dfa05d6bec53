"""The image-tree target: publishing, and what it leaves alone."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.disk.space import Free
from kpstore.errors import CorruptState, InvalidInput, NotFound, Refused
from kpstore.targets.keep import Keep
from kpstore.targets.tree.target import TreeRendering
from kpstore.targets.values import Identity, Marker, ObjectFile
from support.imagetree import (
    GRUB,
    HEADER,
    SITE,
    ImageRig,
    bls,
    fill,
    grub,
    publish,
    rendering,
    snapshot,
)

MODULES = {"modules.dep": b"", "kernel/net/e1000.ko": b"new module" * 1000}


@pytest.fixture
def rig(tmp_path: Path) -> ImageRig:
    made = ImageRig(tmp_path).make()
    made.target().create()
    return made


@pytest.fixture
def umask_077() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_identity_is_written_by_create_alone(tmp_path: Path) -> None:
    rig = ImageRig(tmp_path).make()
    target = rig.target()
    before = snapshot(rig.root)
    assert target.identity() is None
    assert target.marker() is None
    assert not target.unfinished()
    with pytest.raises(FileNotFoundError):
        publish(target, grub(1, rig.kernel(b"one")))
    assert snapshot(rig.root) == before
    target.create()
    assert target.identity() == Identity(SITE, "disk")


def test_a_missing_root_is_absent_and_never_made(tmp_path: Path) -> None:
    rig = ImageRig(tmp_path)
    assert rig.target().identity() is None
    with pytest.raises(NotFound):
        rig.target().create()
    with pytest.raises(FileNotFoundError):
        rig.target().stage(grub(1, rig.kernel(b"one")))
    assert not rig.root.exists()


def test_another_target_is_refused_until_adopted(rig: ImageRig) -> None:
    (rig.root / "boot/kp/TARGET").write_text(
        '{"site": "other", "target": "theirs", "hold": ""}'
    )
    with pytest.raises(Refused, match="target theirs of site other"):
        rig.target().create()
    with pytest.raises(FileNotFoundError):
        rig.target().stage(grub(1, rig.kernel(b"one")))
    rig.target().adopt()
    assert publish(rig.target(), grub(1, rig.kernel(b"one"))) == 2


def test_hold_is_kept_by_create_and_released(rig: ImageRig) -> None:
    rig.target().set_hold("rollback --offline")
    rig.target().create()
    assert rig.target().identity() == Identity(SITE, "disk", "rollback --offline")
    rig.target().set_hold("")
    assert rig.target().identity() == Identity(SITE, "disk")


@pytest.mark.parametrize(
    "junk", [b"", b"[" * 100_000, b"\xff\x00", b"[]", b'{"site": 1}', b"9" * 5000]
)
def test_junk_in_kps_files_is_as_nothing(rig: ImageRig, junk: bytes) -> None:
    publish(rig.target(), grub(1, rig.kernel(b"one")))
    for name in ("live", "files"):
        (rig.root / "boot/kp" / name).write_bytes(junk)
    assert rig.target().marker() is None
    publish(rig.target(), grub(2, rig.kernel(b"two")))
    assert rig.target().marker() == grub(2).marker
    (rig.root / "boot/kp/TARGET").write_bytes(junk)
    assert rig.target().identity() is None


def test_publish_and_publish_again(rig: ImageRig) -> None:
    one, two = rig.kernel(b"one"), rig.kernel(b"two")
    target = rig.target()
    assert publish(target, grub(1, one)) == 2
    assert target.marker() == Marker(SITE, f"{1:040x}", 1, {"images/web": "1"})
    assert (rig.root / GRUB).read_bytes() == grub(1, one).files[GRUB]
    assert (rig.root / one.object.path).read_bytes() == b"one"
    assert publish(target, grub(1, one)) == 0
    assert publish(target, grub(2, two, one)) == 2
    assert target.verify(grub(2, two, one), deep=True) == []
    assert not target.unfinished()


def test_modes_whatever_the_umask(rig: ImageRig, umask_077: None) -> None:
    one = rig.kernel(b"one", "6.9", MODULES)
    publish(rig.target(), grub(1, one))
    found = snapshot(rig.root)
    ours = [p for p in found if "/kp" in p or "/grub" in p or "6.9" in p]
    assert len(ours) == 13
    assert {found[p][1] for p in ours} == {0o644, 0o755}


def test_the_same_files_of_a_later_commit_change_the_marker_only(rig: ImageRig) -> None:
    one = rig.kernel(b"one")
    publish(rig.target(), grub(1, one))
    later = TreeRendering(
        Marker(SITE, "f" * 40, 7), grub(1, one).files, (GRUB,), (one.object,)
    )
    before = (rig.root / GRUB).stat().st_ino
    assert publish(rig.target(), later) == 0
    assert rig.target().marker() == later.marker
    assert (rig.root / GRUB).stat().st_ino == before


def nothing(revision: int) -> TreeRendering:
    return TreeRendering(Marker(SITE, f"{revision:040x}", revision), {}, ())


def test_with_no_entries_only_the_marker_is_written(rig: ImageRig) -> None:
    before = snapshot(rig.root)
    assert rig.target().plan(nothing(1)).write == ()
    assert publish(rig.target(), nothing(1)) == 0
    assert rig.target().verify(nothing(1), deep=True) == []
    assert rig.target().marker() == nothing(1).marker
    after = snapshot(rig.root)
    assert after.keys() - before.keys() == {"boot/kp/live"}
    publish(rig.target(), nothing(1))
    assert snapshot(rig.root) == after


def test_the_last_entry_gone_what_the_loader_lists_stays(rig: ImageRig) -> None:
    one = rig.kernel(b"one", "6.9", MODULES)
    publish(rig.target(), grub(1, one))
    before = snapshot(rig.root)
    publish(rig.target(), nothing(2))
    assert rig.target().marker() == nothing(2).marker
    assert rig.target().sweep(Keep()) == []
    after = snapshot(rig.root)
    assert {p for p in after if after[p] != before[p]} == {"boot/kp/live"}
    assert publish(rig.target(), grub(3, one)) == 1


def test_nothing_to_list_after_a_broken_switch_keeps_what_may_be_listed(
    rig: ImageRig,
) -> None:
    one = rig.kernel(b"one", "6.9", MODULES)
    two = rig.kernel(b"two", "6.9", {"modules.dep": b"2"})
    publish(rig.target(), bls(1, a=one))
    publish(rig.target(), bls(2, b=two))
    (rig.root / "boot/kp/live").unlink()
    publish(rig.target(), nothing(3))
    assert not rig.target().unfinished()
    assert rig.target().sweep(Keep()) == []
    assert {each.kind for each in rig.target().quick().findings} == {"stays"}
    publish(rig.target(), bls(4, a=one))
    assert rig.target().sweep(Keep()) == [f"boot/kp/{two.object.sha256[:12]}"]
    assert rig.target().verify(bls(4, a=one), deep=True) == []


def test_plan_names_what_stage_and_switch_write(rig: ImageRig) -> None:
    one, two = rig.kernel(b"one"), rig.kernel(b"two", "6.9", MODULES)
    first, second = bls(1, a=one, b=one), bls(2, a=one, c=two)
    publish(rig.target(), first)
    plan = rig.target().plan(second)
    assert plan.write == [
        two.object.path,
        "lib/modules/6.9",
        "boot/loader/entries/kp-c.conf",
    ]
    assert plan.remove == ("boot/loader/entries/kp-b.conf",)
    assert publish(rig.target(), second) == 4
    assert rig.target().plan(second).write == []


def test_space_is_asked_for_before_anything_is_written(
    rig: ImageRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = rig.kernel(b"o" * 5000, "6.9", MODULES)
    before = snapshot(rig.root)
    monkeypatch.setattr("kpstore.disk.space.free", lambda path: Free(15_000, 99))
    with pytest.raises(Refused, match="needed"):
        rig.target().stage(grub(1, one))
    assert snapshot(rig.root) == before


def test_objects_are_copies_not_hard_links(rig: ImageRig) -> None:
    one = rig.kernel(b"one")
    publish(rig.target(), grub(1, one))
    placed = rig.root / one.object.path
    assert placed.stat().st_nlink == 1
    with placed.open("r+b") as file:
        file.write(b"ONE")
    assert rig.store.path(one.object.sha256).read_bytes() == b"one"


def test_a_damaged_artifact_is_not_published(rig: ImageRig) -> None:
    one, two = rig.kernel(b"one"), rig.kernel(b"two", "6.9", MODULES)
    for sha256 in (one.object.sha256, two.modules[1]):
        path = rig.store.path(sha256)
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
    before = snapshot(rig.root)
    for kernel in (one, two):
        with pytest.raises(CorruptState):
            rig.target().stage(grub(1, kernel))
        assert snapshot(rig.root) == before


def test_a_missing_artifact_leaves_the_tree_as_it_was(rig: ImageRig) -> None:
    one, two = rig.kernel(b"one"), rig.kernel(b"two")
    rig.store.path(two.object.sha256).unlink()
    before = snapshot(rig.root)
    with pytest.raises(NotFound):
        rig.target().stage(grub(1, one, two))
    assert snapshot(rig.root) == before


def test_discard_removes_what_was_staged_and_nothing_served(rig: ImageRig) -> None:
    one, two = rig.kernel(b"one"), rig.kernel(b"two", "6.9", MODULES)
    publish(rig.target(), grub(1, one))
    (rig.root / one.object.path).write_bytes(b"torn!")
    before = snapshot(rig.root)
    staged = rig.target().stage(grub(2, one, two))
    assert snapshot(rig.root) != before
    staged.discard()
    staged.discard()
    mended = {**before, one.object.path: ("file", 0o644, b"one")}
    assert snapshot(rig.root) == mended


def test_a_foreign_loader_file_is_refused_and_named(rig: ImageRig) -> None:
    fill(rig.root, {GRUB: b"menuentry theirs {}\n"})
    before = snapshot(rig.root)
    one = rig.kernel(b"one")
    with pytest.raises(Refused, match=GRUB) as refusal:
        rig.target().stage(grub(1, one))
    assert "--replace" in refusal.value.hint
    assert snapshot(rig.root) == before


def test_replaced_files_come_back_when_the_target_goes(rig: ImageRig) -> None:
    fill(rig.root, {"boot/loader/loader.conf": b"theirs\n"})
    (rig.root / "boot/kp/TARGET").unlink()
    (rig.root / "boot/kp").rmdir()
    before = snapshot(rig.root)
    target = rig.target(replace=True)
    target.create()
    first = bls(1, a=rig.kernel(b"one", "6.9", MODULES))
    staged = target.stage(first)
    originals = {"boot/loader/loader.conf": b"theirs\n"}
    assert staged.originals == originals
    staged.switch()
    publish(rig.target(), bls(2, b=rig.kernel(b"two")))
    assert rig.target().originals_kept() == {
        "boot/loader/loader.conf": hashlib.sha256(b"theirs\n").hexdigest()
    }
    with pytest.raises(NotFound, match=r"loader\.conf"):
        target.remove({})
    assert target.marker() is not None
    assert target.remove(originals) == []
    assert snapshot(rig.root) == before


def test_removing_leaves_what_others_changed(rig: ImageRig) -> None:
    one = rig.kernel(b"one", "6.9", MODULES)
    publish(rig.target(), grub(1, one))
    (rig.root / GRUB).write_bytes(b"edited\n")
    (rig.root / "lib/modules/6.9/extra.ko").write_bytes(b"dkms")
    left = rig.target().remove({})
    assert {each.path for each in left} == {GRUB, "lib/modules/6.9"}
    assert (rig.root / GRUB).read_bytes() == b"edited\n"
    assert (rig.root / "lib/modules/6.9/extra.ko").exists()
    assert not (rig.root / "boot/kp").exists()


def test_kps_file_that_others_changed_is_handed_over_then_replaced(
    rig: ImageRig,
) -> None:
    one = rig.kernel(b"one")
    publish(rig.target(), grub(1, one))
    (rig.root / GRUB).write_bytes(b"update-grub was here\n")
    staged = rig.target().stage(grub(2, one))
    assert staged.displaced == {GRUB: b"update-grub was here\n"}
    assert staged.originals == {}
    staged.switch()
    assert rig.target().originals_kept() == {}
    assert (rig.root / GRUB).read_bytes() == grub(2, one).files[GRUB]


def test_a_file_with_kps_header_is_kps_though_the_record_is_lost(rig: ImageRig) -> None:
    fill(rig.root, {GRUB: HEADER + b"of another site\n"})
    staged = rig.target().stage(grub(1, rig.kernel(b"one")))
    assert staged.displaced == {GRUB: HEADER + b"of another site\n"}
    assert staged.originals == {}


def test_entries_of_others_stay(rig: ImageRig) -> None:
    theirs = "boot/loader/entries/fedora.conf"
    fill(rig.root, {theirs: b"title Fedora\n"})
    one = rig.kernel(b"one")
    publish(rig.target(), bls(1, a=one, b=one))
    publish(rig.target(), bls(2, b=one))
    assert (rig.root / theirs).read_bytes() == b"title Fedora\n"
    assert not (rig.root / "boot/loader/entries/kp-a.conf").exists()


def test_an_edited_entry_that_is_dropped_stays_and_is_reported(rig: ImageRig) -> None:
    one = rig.kernel(b"one")
    publish(rig.target(), bls(1, a=one, b=one))
    edited = rig.root / "boot/loader/entries/kp-b.conf"
    edited.write_bytes(b"by hand\n")
    publish(rig.target(), bls(2, a=one))
    assert edited.read_bytes() == b"by hand\n"
    found = rig.target().verify(bls(2, a=one), deep=False)
    assert [(each.path, each.kind) for each in found] == [
        ("boot/loader/entries/kp-b.conf", "extra")
    ]
    publish(rig.target(), bls(3, a=one, b=one))
    assert edited.read_bytes() != b"by hand\n"


@pytest.mark.parametrize("bad", ["boot/kp/x/vmlinuz", "boot/kp/" + "0" * 12 + "/v"])
def test_objects_elsewhere_are_refused(bad: str) -> None:
    with pytest.raises(InvalidInput):
        TreeRendering(Marker("", "", 1), {}, (), (ObjectFile("1" * 64, 1, bad),))


@pytest.mark.parametrize("release", ["..", "a/b", "", "-x"])
def test_releases_that_are_none_are_refused(release: str) -> None:
    with pytest.raises(InvalidInput):
        TreeRendering(Marker("", "", 1), {}, (), (), ((release, "1" * 64, 1),))


def test_the_switch_must_be_rendered() -> None:
    with pytest.raises(InvalidInput):
        rendering(1, {}, (GRUB,))
