"""Image trees: every byte that kp placed is checked; what others did is kept aside."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.errors import Refused
from kpstore.targets.tree.target import TreeRendering
from support.imagetree import GRUB, ImageRig, bls, fill, publish, snapshot

ENTRY = "boot/loader/entries/kp-a.conf"
DRIVER = "usr/lib/modules/6.9/kernel/net/e1000.ko"
LINK, MORE = "lib/modules/6.9/link.ko", "lib/modules/6.9/more.ko"
MODULES = {"modules.dep": b"", "kernel/net/e1000.ko": b"driver", "link.ko": "kernel"}


class Served(ImageRig):
    """A tree with one commit live, and an older kernel kept."""

    def publish(self) -> "Served":
        self.make().target().create()
        self.old = self.kernel(b"old")
        self.new = self.kernel(b"new", "6.9", MODULES)
        publish(self.target(), bls(1, a=self.old))
        publish(self.target(), self.live)
        self.image = self.root / self.new.object.path
        self.kept = self.root / self.old.object.path
        self.entry, self.marker = self.root / ENTRY, self.root / "boot/kp/live"
        return self

    @property
    def live(self) -> TreeRendering:
        return bls(2, a=self.new)

    def found(self, *, deep: bool = True) -> set[tuple[str, str]]:
        findings = self.target().verify(self.live, deep=deep)
        assert len(findings) == len(set(findings))
        return {(each.path, each.kind) for each in findings}


@pytest.fixture
def rig(tmp_path: Path) -> Served:
    return Served(tmp_path).publish()


def flip(path: Path) -> None:
    """Change one byte in place; size and times stay."""
    found = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


Change = Callable[[Served], None]
QUICKLY, DEEP = False, True
CHANGES: dict[str, tuple[Change, str, str, bool]] = {
    "loader file": (lambda rig: flip(rig.entry), ENTRY, "changed", QUICKLY),
    "loader file gone": (lambda rig: rig.entry.unlink(), ENTRY, "missing", QUICKLY),
    "loader file's mode": (lambda rig: rig.entry.chmod(0o600), ENTRY, "mode", QUICKLY),
    "loader file a link": (lambda rig: relink(rig.entry), ENTRY, "changed", QUICKLY),
    "loader file a folder": (lambda rig: folder(rig.entry), ENTRY, "changed", QUICKLY),
    "loader file a FIFO": (lambda rig: refifo(rig.entry), ENTRY, "changed", QUICKLY),
    "kernel": (lambda rig: flip(rig.image), "KERNEL", "changed", DEEP),
    "kernel cut": (lambda rig: os.truncate(rig.image, 1), "KERNEL", "changed", QUICKLY),
    "kernel gone": (lambda rig: rig.image.unlink(), "KERNEL", "missing", QUICKLY),
    "kernel's mode": (lambda rig: rig.image.chmod(0o600), "KERNEL", "mode", QUICKLY),
    "kernel a FIFO": (lambda rig: refifo(rig.image), "KERNEL", "changed", QUICKLY),
    "kernel a folder": (lambda rig: folder(rig.image), "KERNEL", "changed", QUICKLY),
    "kept kernel": (lambda rig: flip(rig.kept), "OLD", "changed", DEEP),
    "module": (lambda rig: flip(rig.root / DRIVER), "DRIVER", "changed", DEEP),
    "module gone": (
        lambda rig: (rig.root / DRIVER).unlink(),
        "DRIVER",
        "missing",
        DEEP,
    ),
    "module link": (lambda rig: relink(rig.root / LINK), LINK, "changed", DEEP),
    "module more": (lambda rig: fill(rig.root, {MORE: b""}), MORE, "extra", DEEP),
    "marker": (lambda rig: misdate(rig.marker), "boot/kp/live", "changed", QUICKLY),
    "no marker": (
        lambda rig: rig.marker.unlink(),
        "boot/kp/live",
        "unfinished",
        QUICKLY,
    ),
    "something in kp's folder": (
        lambda rig: fill(rig.root, {"boot/kp/notes": b"mine"}),
        "boot/kp/notes",
        "foreign",
        QUICKLY,
    ),
    "something beside a kernel": (
        lambda rig: fill(rig.image.parent, {"notes": b"mine"}),
        "BESIDE",
        "foreign",
        QUICKLY,
    ),
    "a temp": (
        lambda rig: fill(rig.root, {"boot/kp/.kp-tmp-1.1-00": b""}),
        "boot/kp/.kp-tmp-1.1-00",
        "unfinished",
        QUICKLY,
    ),
}


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def folder(path: Path) -> None:
    path.unlink()
    fill(path, {"inside": b"mine"})


def refifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def misdate(marker: Path) -> None:
    marker.write_text(marker.read_text().replace("6.9", "6.8"))


def named(rig: Served, path: str) -> str:
    places = {
        "KERNEL": rig.new.object.path,
        "OLD": rig.old.object.path.rpartition("/")[0],
        "DRIVER": "lib/modules/6.9/kernel/net/e1000.ko",
        "BESIDE": f"{rig.new.object.path.rpartition('/')[0]}/notes",
    }
    return places.get(path, path)


def test_nothing_is_found_in_a_tree_that_nobody_touched(rig: Served) -> None:
    assert rig.found() == rig.found(deep=False) == set()
    assert rig.target().quick().findings == []


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_is_found_and_mended(rig: Served, name: str) -> None:
    change, path, kind, only_deep = CHANGES[name]
    before = served(rig)
    change(rig)
    expected = (named(rig, path), kind)
    assert expected in rig.found()
    assert (expected in rig.found(deep=False)) is not only_deep
    rig.target().repair(rig.live, rig.where / "found")
    assert rig.found() == set()
    if name != "kept kernel":  # no rendering says what it was: it only goes
        assert served(rig) == before


def served(rig: Served) -> dict[str, tuple[object, ...]]:
    """All but the record of claims, which a publish narrows."""
    return {p: each for p, each in snapshot(rig.root).items() if p != "boot/kp/files"}


@pytest.mark.parametrize("name", CHANGES)
def test_what_others_wrote_is_kept_aside(rig: Served, name: str) -> None:
    change, path, kind, _ = CHANGES[name]
    change(rig)
    theirs = rig.root / named(rig, path)
    regular = theirs.is_file() and not theirs.is_symlink()
    data = theirs.read_bytes() if regular else b""
    rig.target().repair(rig.live, rig.where / "found")
    aside = snapshot(rig.where / "found") if (rig.where / "found").exists() else {}
    files = {name: each for name, each in aside.items() if each[0] != "directory"}
    assert all(each[0] == "file" for each in files.values())
    if kind in {"changed", "extra", "foreign"}:
        assert all(name.startswith(named(rig, path)) for name in files)
        assert files
    if kind in {"changed", "foreign"} and regular:
        assert files[named(rig, path)][2] == data


def test_quick_looks_at_what_the_marker_names(rig: Served) -> None:
    flip(rig.root / ENTRY)
    rig.image.unlink()
    (rig.root / "usr/lib/modules/6.9").rename(rig.root / "usr/lib/modules/gone")
    found = {(each.path, each.kind) for each in rig.target().quick().findings}
    assert found == {
        (ENTRY, "changed"),
        (rig.new.object.path, "missing"),
        ("lib/modules/6.9", "missing"),
    }


def test_a_hostile_size_does_not_fill_the_sites_disk(rig: Served) -> None:
    with rig.image.open("r+b") as file:
        file.truncate(1 << 43)
    before = snapshot(rig.root / "boot/loader")
    with pytest.raises(Refused, match="free"):
        rig.target().repair(rig.live, rig.where / "found")
    assert snapshot(rig.root / "boot/loader") == before


def test_an_entry_that_is_no_longer_listed_is_taken_away(rig: Served) -> None:
    publish(rig.target(), bls(3, a=rig.new, b=rig.new))
    (rig.root / "boot/loader/entries/kp-b.conf").write_bytes(b"edited\n")
    publish(rig.target(), rig.live)
    rig.target().repair(rig.live, rig.where / "found")
    assert not (rig.root / "boot/loader/entries/kp-b.conf").exists()
    kept = rig.where / "found/boot/loader/entries/kp-b.conf"
    assert kept.read_bytes() == b"edited\n"
    assert rig.found() == set()


def test_the_distributions_own_modules_are_reported_and_left(rig: Served) -> None:
    theirs = rig.root / "usr/lib/modules/6.1.0/kernel/a.ko"
    same = {"modules.dep": b"", "kernel/a.ko": theirs.read_bytes()}
    stock = bls(3, stock=rig.kernel(b"stock", "6.1.0", same))
    publish(rig.target(), stock)
    flip(theirs)
    changed = theirs.read_bytes()
    findings = rig.target().repair(stock, rig.where / "found")
    assert [(each.path, each.kind) for each in findings] == [
        ("lib/modules/6.1.0", "kept")
    ]
    assert "kp kernel add web --installed 6.1.0 --replace" in findings[0].detail
    assert not (rig.where / "found").exists()
    assert theirs.read_bytes() == changed


def test_a_foreign_loader_file_stops_a_repair(rig: Served) -> None:
    other = TreeRendering(rig.live.marker, {**rig.live.files, GRUB: b"# kp\n"}, (GRUB,))
    fill(rig.root, {GRUB: b"theirs\n"})
    with pytest.raises(Refused, match=GRUB):
        rig.target().repair(other, rig.where / "found")
    assert (rig.root / GRUB).read_bytes() == b"theirs\n"
