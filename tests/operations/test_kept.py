"""Nothing goes that any target may need, in whatever condition it is."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kpstore.edits import targets
from kpstore.errors import Refused
from kpstore.model.keys import Key
from kpstore.operations.retention import Keeping
from kpstore.operations.rollback import Rollback
from kpstore.targets.tftp import sweep
from kpstore.targets.tftp.format.canonical import canonical
from kpstore.targets.values import Held
from support import sites
from support.cli import digest
from support.sites import SmallSite, call_good, first_import
from support.years import age, collect, has, keeping_little, new_default, params


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return keeping_little(tmp_path)


def away(site: SmallSite) -> None:
    (site.tftp).rename(site.where / "elsewhere")


def back(site: SmallSite) -> None:
    place = site.where / "elsewhere"
    if place.exists():
        place.rename(site.tftp)


def disabled(site: SmallSite) -> None:
    with site.picker().edit("off") as edit:
        targets.enable(edit.state, "net", False)


def held_back(site: SmallSite) -> None:
    target = next(
        t for t in site.picker().site.targets(site.picker().view()) if t.name == "net"
    )
    assert target.publisher
    target.publisher.set_hold("measured")


def of_another_site(site: SmallSite) -> None:
    file = site.tftp / "kp/TARGET"
    file.write_text(file.read_text().replace(sites.SITE_ID, "6" * 32))


def wiped(site: SmallSite) -> None:
    (site.tftp / "kp/TARGET").unlink()


CONDITIONS = (away, disabled, held_back, of_another_site, wiped)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_store_keeps_what_a_target_has_that_is_not_live(
    site: SmallSite,
    condition: Callable[[SmallSite], None],
) -> None:
    """The generations that lie there can be gone back to, once it is there again."""
    kernels = [new_default(site, day, f"6.{day + 2}") for day in range(1, 4)]
    condition(site)
    for day in range(20, 40):
        new_default(site, day, f"7.{day}")
        params(site, day, f"day={day}")
    collect(site, 100)
    assert all(has(site, kernel) for kernel in kernels[1:])


def test_a_target_that_was_never_seen_stops_every_sweep_and_is_named(
    site: SmallSite,
) -> None:
    new_default(site, 1, "6.3")
    new_default(site, 2, "6.4")
    (site.root / "seen/net.json").unlink()
    away(site)
    before = digest(site.root / "state.git/lfs")
    with pytest.raises(Refused, match="nothing is swept: target net") as caught:
        collect(site, 60)
    assert "kp target rm net" in caught.value.hint
    assert digest(site.root / "state.git/lfs").count("") == before.count("")
    back(site)
    collect(site, 60)


def test_what_a_target_holds_is_noted_before_it_is_switched(
    site: SmallSite,
) -> None:
    """A crash right after the switch, and the target gone: its commit is known."""
    tip = sites.small_edit(site.picker())
    number = int(tip.revision[1:])
    seen = json.loads((site.root / "seen/net.json").read_text())
    assert [number, tip.commit[:12]] in seen["generations"]
    assert seen["objects"]


def test_a_damaged_record_is_written_anew_by_the_next_commit(
    site: SmallSite,
) -> None:
    record = site.root / "seen/net.json"
    record.write_text("{")
    sites.small_edit(site.picker())
    assert json.loads(record.read_text())["generations"]


def test_a_removed_tree_that_was_away_keeps_its_original(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    theirs = site.tree / "boot/grub/grub.cfg"
    theirs.write_bytes(b"# the distribution's\n")
    with site.picker().edit("all") as edit:
        sites.lay_out(site.picker(), edit.state)
        disk = edit.state.target("disk")
        options = disk.options.model_copy(update={"replace": True})
        edit.state.put(
            Key("target", "disk"), disk.model_copy(update={"options": options})
        )
    [original] = site.picker().site.seen.read("disk").originals.values()  # type: ignore[union-attr]
    site.tree.rename(site.where / "unmounted")
    with replace(site, day=1).picker().edit("no more") as edit:
        targets.remove(edit.state, "disk")
    collect(site, 300)
    assert site.picker().site.artifacts.has(original)
    (site.where / "unmounted").rename(site.tree)


def test_ten_repairs_push_no_commit_out(site: SmallSite) -> None:
    kernels = [new_default(site, day, f"6.{day + 2}") for day in range(1, 3)]
    for _ in range(10):
        next((site.tftp / "kp/menus").glob("*/grub")).write_bytes(b"x")
        picker = replace(site, day=3).picker()
        picker.publish()
    collect(site, 60)
    back_to = int(site.picker().site.record(site.picker().site.tip()).revision) - 1
    assert has(site, kernels[0])
    later = replace(site, day=61).picker()
    outcome = later.rollback(Rollback(("web",), to=f"r{back_to}"))
    assert [t.condition for t in outcome.targets] == ["live", "live"]


def test_a_sweep_that_would_take_what_is_served_is_refused_and_said(
    site: SmallSite,
) -> None:
    """STATE says less than its menus: the reader of the bytes finds it."""
    new_default(site, 1, "6.3")
    file = site.tftp / "kp/live/STATE"
    document = json.loads(file.read_bytes())
    for xx, name in document["shelves"].items():
        document["shelves"][xx] = silent(site.tftp / "kp/shelves" / name)
        link = file.parent / xx
        link.unlink()
        link.symlink_to(f"../../shelves/{document['shelves'][xx]}")
    del document["seal"]
    file.write_bytes(canonical(document))
    age(site)
    picker = replace(site, day=60).picker()
    refused = picker.gc().refused
    assert [why.partition(":")[0] for why in refused] == ["target net"]
    assert "nothing is swept" in refused[0]
    assert len(list((site.tftp / "kp/objects").iterdir())) > 0


def silent(shelf: Path) -> str:
    """Make a shelf that says of no menu what it needs; return its name."""
    contents = json.loads((shelf / "CONTENTS").read_bytes())
    data = canonical({name: {**each, "objects": []} for name, each in contents.items()})
    name = hashlib.sha256(data).hexdigest()
    shutil.copytree(shelf, shelf.with_name(name), symlinks=True)
    (shelf.with_name(name) / "CONTENTS").write_bytes(data)
    return name


def test_a_second_sweep_reads_no_part_again(site: SmallSite) -> None:
    looked: list[str] = []
    new_default(site, 1, "6.3")
    collect(site, 60)
    params(site, 61, "x=1")
    for path in (site.tftp / "kp/objects").iterdir():
        os.utime(path, (0, 0))
    real = sweep.named_in

    def counting(folder: Path) -> tuple[str, ...]:
        looked.append(folder.name)
        return real(folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "named_in", counting)
        collect(site, 90)
        first = len(looked)
        params(site, 91, "x=2")
        collect(site, 120)
    assert len(looked) - first <= first
    assert len(looked) == len(set(looked))


def test_two_records_are_one() -> None:
    one = Held(((1, "a"), (3, "c")), ("x",), {"p": "1"})
    two = Held(((2, "b"), (3, "c")), ("y",), {"q": "2"})
    assert one.and_also(two) == Held(
        ((1, "a"), (2, "b"), (3, "c")), ("x", "y"), {"p": "1", "q": "2"}
    )


def test_a_site_of_before_notes_its_targets_at_the_next_sweep(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import, call_good)
    for record in (site.root / "seen").iterdir():
        record.unlink()
    picker = site.picker()
    with picker.writing():
        Keeping(picker.site, picker.site.main(), sites.NOW).sweep_targets()
    assert picker.site.seen.names() == ["disk", "net"]
