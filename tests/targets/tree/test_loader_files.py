"""One variable of GRUB's block: kp's own in a file that is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from kpstore.errors import Refused
from kpstore.formats.grubenv import SIZE, value_of, with_value
from kpstore.targets.tree.layout import TreeRendering
from support.imagetree import ImageRig, fill, publish, rendering, snapshot

BLOCK = "boot/grub2/grubenv"
SAVED = f"{BLOCK}#saved_entry"


def block(values: Mapping[str, str]) -> bytes:
    made = with_value(None, "x", None)
    for name, value in values.items():
        made = with_value(made, name, value.encode())
    return made


THEIRS = block({"saved_entry": "0123-6.1", "kernelopts": "root=/dev/sda1 ro"})


@pytest.fixture
def rig(tmp_path: Path) -> ImageRig:
    made = ImageRig(tmp_path).make()
    fill(made.root, {BLOCK: THEIRS})
    return made


def saves(rig: ImageRig, revision: int, entry: str) -> TreeRendering:
    """A commit that lists an entry and lets GRUB boot it."""
    files = {
        f"boot/loader/entries/{entry}.conf": f"linux /{entry}\n".encode(),
        SAVED: entry.encode(),
    }
    kernel = rig.kernel(entry.encode(), "6.9", {"modules.dep": b""})
    return rendering(revision, files, (SAVED,), kernel)


def saved(rig: ImageRig, path: str = BLOCK) -> bytes | None:
    return value_of((rig.root / path).read_bytes(), "saved_entry")


def test_it_is_set_beside_the_others_and_needs_no_leave(rig: ImageRig) -> None:
    target = rig.target()
    target.create()
    (rig.root / BLOCK).chmod(0o600)
    publish(target, saves(rig, 1, "kp-a"))
    assert (rig.root / BLOCK).read_bytes() == block(
        {"saved_entry": "kp-a", "kernelopts": "root=/dev/sda1 ro"}
    )
    assert (rig.root / BLOCK).stat().st_mode & 0o777 == 0o600
    assert target.verify(saves(rig, 1, "kp-a"), deep=True) == []
    assert target.quick().findings == []


def test_it_comes_back_when_the_target_goes(rig: ImageRig) -> None:
    before = snapshot(rig.root)
    target = rig.target()
    target.create()
    staged = target.stage(saves(rig, 1, "kp-a"))
    originals = staged.originals
    assert originals == {SAVED: b"0123-6.1"}
    staged.switch()
    publish(target, saves(rig, 2, "kp-b"))
    assert saved(rig) == b"kp-b"
    changed = with_value((rig.root / BLOCK).read_bytes(), "boot_success", b"1")
    (rig.root / BLOCK).write_bytes(changed)
    assert target.remove(originals) == []
    assert (rig.root / BLOCK).read_bytes() == with_value(THEIRS, "boot_success", b"1")
    (rig.root / BLOCK).write_bytes(THEIRS)
    assert snapshot(rig.root) == before


@pytest.mark.parametrize("there", [True, False], ids=["empty block", "no block"])
def test_what_was_not_set_is_set_no_more(rig: ImageRig, there: bool) -> None:
    (rig.root / BLOCK).unlink()
    if there:
        (rig.root / BLOCK).write_bytes(block({}))
    before = snapshot(rig.root)
    target = rig.target()
    target.create()
    publish(target, saves(rig, 1, "kp-a"))
    assert saved(rig) == b"kp-a"
    assert target.remove({}) == []
    assert snapshot(rig.root) == before


def test_what_others_set_meanwhile_is_seen_and_mended(
    rig: ImageRig, tmp_path: Path
) -> None:
    target = rig.target()
    target.create()
    meant = saves(rig, 1, "kp-a")
    publish(target, meant)
    others = with_value((rig.root / BLOCK).read_bytes(), "saved_entry", b"0123-6.2")
    (rig.root / BLOCK).write_bytes(with_value(others, "boot_success", b"1"))
    (found,) = target.verify(meant, deep=False)
    assert (found.path, found.kind) == (SAVED, "changed")
    assert target.quick().findings == [found]
    target.repair(meant, tmp_path / "found")
    assert (tmp_path / "found" / SAVED).read_bytes() == b"0123-6.2"
    assert saved(rig) == b"kp-a"
    assert value_of((rig.root / BLOCK).read_bytes(), "boot_success") == b"1"


def test_a_lost_one_is_missing(rig: ImageRig, tmp_path: Path) -> None:
    target = rig.target()
    target.create()
    publish(target, saves(rig, 1, "kp-a"))
    without = with_value((rig.root / BLOCK).read_bytes(), "saved_entry", None)
    for gone in (without, b"no block at all"):
        (rig.root / BLOCK).write_bytes(gone)
        (found,) = target.verify(saves(rig, 1, "kp-a"), deep=False)
        assert (found.path, found.kind) == (SAVED, "missing")
    (rig.root / BLOCK).write_bytes(without)
    target.repair(saves(rig, 1, "kp-a"), tmp_path / "found")
    assert saved(rig) == b"kp-a"


def test_a_block_that_is_a_link_is_written_where_it_leads(rig: ImageRig) -> None:
    (rig.root / BLOCK).unlink()
    there = "boot/efi/EFI/redhat/grubenv"
    fill(rig.root, {there: THEIRS, BLOCK: "../efi/EFI/redhat/grubenv"})
    target = rig.target()
    target.create()
    publish(target, saves(rig, 1, "kp-a"))
    assert (rig.root / BLOCK).is_symlink()
    assert saved(rig, there) == b"kp-a"
    target.remove({SAVED: b"0123-6.1"})
    assert (rig.root / there).read_bytes() == THEIRS


def test_a_link_out_of_the_tree_stays_beneath_it(rig: ImageRig, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(THEIRS)
    (rig.root / BLOCK).unlink()
    (rig.root / BLOCK).symlink_to(outside)
    target = rig.target()
    target.create()
    with pytest.raises(Refused, match="boot/grub2/grubenv in the image leads to no"):
        target.stage(saves(rig, 1, "kp-a"))
    assert outside.read_bytes() == THEIRS


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"saved_entry=x\n", "no block of GRUB's variables"),
        (block({"a": "x" * (SIZE - 40)}), "no room for saved_entry"),
    ],
)
def test_a_block_that_can_t_take_it_is_refused(
    rig: ImageRig, data: bytes, says: str
) -> None:
    (rig.root / BLOCK).write_bytes(data)
    target = rig.target()
    target.create()
    before = snapshot(rig.root)
    with pytest.raises(Refused, match=says) as refusal:
        target.stage(saves(rig, 1, "kp-a"))
    assert BLOCK in refusal.value.message
    assert "grub-editenv" in (refusal.value.hint or "")
    assert snapshot(rig.root) == before


def test_a_folder_in_its_place_is_refused(rig: ImageRig) -> None:
    (rig.root / BLOCK).unlink()
    (rig.root / BLOCK).mkdir()
    target = rig.target()
    target.create()
    with pytest.raises(Refused, match="leads to no regular file"):
        target.stage(saves(rig, 1, "kp-a"))


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_commit_that_saves_it_no_more_gives_it_back(
    rig: ImageRig, is_kept: bool
) -> None:
    """As far as the store has the value of before."""
    if is_kept:
        rig.store.add_stream([b"0123-6.1"])
    target = rig.target()
    target.create()
    publish(target, saves(rig, 1, "kp-a"))
    conf = "boot/loader/loader.conf"
    kernel = rig.kernel(b"kp-a", "6.9", {"modules.dep": b""})
    publish(target, rendering(2, {conf: b"default kp-a\n"}, (conf,), kernel))
    assert saved(rig) == (b"0123-6.1" if is_kept else None)
    assert value_of((rig.root / BLOCK).read_bytes(), "kernelopts")
