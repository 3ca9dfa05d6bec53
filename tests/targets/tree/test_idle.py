"""The last entry of an image's own disk goes: nothing boots there that main hides."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.edits import entries, images, targets
from kpstore.model.keys import Key
from kpstore.model.state import State
from support.imagetree import snapshot
from support.sites import add_kernel, push, put_kernel
from support.treesite import (
    FILES,
    GRUB,
    HOME,
    LIVE,
    LOADER,
    ORIGINAL,
    TARGET,
    TreeSite,
    copy,
    template,
)

SHA = hashlib.sha256(ORIGINAL).hexdigest()
NAMES = ("k6.1", "k6.2", "k6.3")
COMES = "kp publish gives the image's own back"
STAYS = "kp keeps no original"


@pytest.fixture
def site(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TreeSite:
    """A tree whose grub.cfg was the distribution's; r2 had no entry yet."""
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "site")


@pytest.fixture
def bare(tmp_path: Path) -> TreeSite:
    """A tree that had no loader file before kp's; r2 lists nothing, r3 something."""
    made = TreeSite(tmp_path / "bare")
    made.where.mkdir()
    picker = made.create()
    (made.tree / GRUB).unlink()
    begin(made, replace=False)
    picker = made.picker()
    with picker.edit("an entry") as edit:
        fields = {"kernel": "6.2", "method": "mixed"}
        entries.add(edit.state, "web", "k6.2", fields, default=True)
    return made


def begin(made: TreeSite, *, replace: bool) -> None:
    picker = made.picker()
    with picker.edit("no entry yet") as edit:
        images.add(edit.state, "web", {"arch": "x86_64"})
        put_kernel(edit.state, "web", add_kernel(picker, "6.2", modules=True))
        options = {"kind": "image", "loaders": ("grub", "bls"), "image": "web"}
        fields = {**options, "options": {"replace": replace}}
        targets.add(edit.state, "disk", fields)


def by_network(site: TreeSite) -> None:
    names = [each["entry"] for each in site.ok("entry", "list", "web", "--json").json]
    for name in names:
        site.ok("entry", "set", "web", name, "--method", "network")
    site.ok("commit", "-m", "over the network", "--yes")


def another_default(site: TreeSite) -> None:
    """An entry for the network becomes default, and the others go."""
    names = [each["entry"] for each in site.ok("entry", "list", "web", "--json").json]
    add = ("--kernel", "6.2", "--method", "network", "--default")
    site.ok("entry", "add", "web", "net", *add)
    for name in names:
        site.ok("entry", "rm", "web", name)
    site.ok("commit", "-m", "another", "--yes")


def pushed(site: TreeSite) -> None:
    """No verb removes the default; a git client may."""

    def change(state: State) -> None:
        for name in state.names("entry", "web"):
            state.drop(Key("entry", name, "web"))
        image = state.image("web").model_copy(update={"default": None})
        state.put(Key("image", "web"), image)

    push(site, "ann", change)
    site.ok("commit", "-m", "pushed", "--yes")


def rolled_back(site: TreeSite) -> None:
    site.ok("rollback", "web", "--to", "r2", "-m", "back", "--yes")


def reverted(site: TreeSite) -> None:
    site.ok("revert", "r3", "-m", "undo", "--yes")


Way = Callable[[TreeSite], None]
FROM_ANY: list[Way] = [by_network, another_default, pushed]
FROM_ONE: list[Way] = [*FROM_ANY, rolled_back, reverted]


def kps(site: TreeSite) -> set[str]:
    """kp's loader files in the tree."""
    every = (p for p in (site.tree / "boot").rglob("*") if p.is_file())
    return {
        str(path.relative_to(site.tree))
        for path in every
        if b"kp" in path.read_bytes() and HOME not in str(path)
    }


def told(site: TreeSite, *argv: str, expected: int = 0) -> list[dict[str, str]]:
    [each] = site.ok("verify", *argv, "--json", expected=expected).json
    found: list[dict[str, str]] = each["findings"]
    return found


@pytest.mark.parametrize("way", FROM_ANY)
def test_where_kp_keeps_an_original_it_comes_back_and_kps_goes(
    site: TreeSite, way: Way
) -> None:
    assert kps(site)
    way(site)
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert kps(site) == set()
    assert told(site) == told(site, "--quick") == []
    assert "as committed" in site.ok("verify").out
    assert site.ok("status", "--json").json["drift"] == []
    site.ok("gc")
    left = {str(p.relative_to(site.tree)) for p in (site.tree / HOME).iterdir()}
    kept = {path for path in left if "." not in path} - {TARGET, LIVE, FILES, HOME}
    assert len(kept) <= 2, "a known-good kernel and its initrd stay"
    assert "mended" not in site.ok("publish").out
    assert (site.tree / GRUB).read_bytes() == ORIGINAL


@pytest.mark.parametrize("way", FROM_ONE)
def test_where_there_was_one_entry_the_original_comes_back_too(
    tmp_path: Path, way: Way
) -> None:
    made = TreeSite(tmp_path / "one")
    made.where.mkdir()
    made.create()
    begin(made, replace=True)
    before = snapshot(made.tree)
    picker = made.picker()
    with picker.edit("an entry") as edit:
        fields = {"kernel": "6.2", "method": "mixed"}
        entries.add(edit.state, "web", "k6.2", fields, default=True)
    assert (made.tree / GRUB).read_bytes() != ORIGINAL
    way(made)
    made.ok("gc")
    after = snapshot(made.tree)
    assert {
        path
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path) and "loader" not in path
    } == {LIVE, FILES}
    assert told(made) == []


def test_it_is_said_before_and_when_it_is_done(site: TreeSite) -> None:
    for name in NAMES:
        site.ok("entry", "set", "web", name, "--method", "network")
    assert f"the image's own {GRUB} comes back" in site.ok("plan").out
    [plan] = site.ok("plan", "--json").json["targets"]
    assert GRUB in plan["write"]
    assert LOADER in plan["remove"]
    done = site.ok("commit", "-m", "over the network", "--yes", "--json").json
    assert any(GRUB in note for note in done["notes"])


def test_an_entry_that_comes_again_is_booted_again(site: TreeSite) -> None:
    before = snapshot(site.tree)
    by_network(site)
    (site.tree / GRUB).write_bytes(b"# the distribution's newer one\n")
    assert told(site) == []
    site.ok("rollback", "web", "--to", "r4", "-m", "back", "--yes")
    after = snapshot(site.tree)
    changed = {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}
    assert changed == {LIVE, FILES}
    site.ok("target", "rm", "disk", "-m", "out", "--yes")
    assert (site.tree / GRUB).read_bytes() == b"# the distribution's newer one\n"


@pytest.mark.parametrize("way", FROM_ONE)
def test_with_no_original_the_last_file_stays_and_every_view_says_so(
    bare: TreeSite, way: Way
) -> None:
    before = {path: (bare.tree / path).read_bytes() for path in kps(bare)}
    assert {GRUB, LOADER} <= before.keys()
    way(bare)
    bare.ok("gc")
    assert {path: (bare.tree / path).read_bytes() for path in kps(bare)} == before
    for argv in ([], ["--quick"]):
        found = told(bare, *argv)
        assert {each["path"] for each in found} == before.keys()
        assert {each["kind"] for each in found} == {"stays"}
        said = bare.ok("verify", *argv).out
        assert "as committed" not in said
        assert STAYS in said
    assert STAYS in bare.ok("status").out
    assert bare.ok("status", "--json").json["drift"] == []
    assert STAYS in bare.ok("doctor").out
    bare.ok("publish")
    assert told(bare) == found


def test_what_stays_is_said_by_plan_and_commit(bare: TreeSite) -> None:
    bare.ok("entry", "set", "web", "k6.2", "--method", "network")
    assert STAYS in bare.ok("plan").out
    said = bare.ok("commit", "-m", "over the network", "--yes", "--json").json
    assert any(STAYS in note and "disk" in note for note in said["notes"])


def test_a_rollback_says_what_stays(bare: TreeSite) -> None:
    said = bare.ok("rollback", "web", "--to", "r2", "-m", "back", "--yes", "--json")
    assert any(STAYS in note for note in said.json["notes"])


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_kernel_that_what_stays_boots_is_mended(bare: TreeSite, damage: str) -> None:
    by_network(bare)
    kernel = next((bare.tree / HOME).glob("*/vmlinuz"))
    data = kernel.read_bytes()
    kernel.unlink()
    if damage == "cut":
        kernel.write_bytes(data[:-1])
    bare.ok("verify", expected=4)
    bare.ok("verify", "--quick", expected=4)
    bare.ok("publish")
    assert kernel.read_bytes() == data
    bare.ok("verify")


def test_modules_of_what_stays_are_mended(bare: TreeSite) -> None:
    by_network(bare)
    place = bare.tree / "lib/modules/6.2/kernel"
    (place / "a.ko").unlink()
    place.rmdir()
    (place.parent / "modules.dep").unlink()
    bare.ok("verify", expected=4)
    bare.ok("publish")
    assert (place / "a.ko").exists()
    bare.ok("verify")


def test_an_original_that_is_lost_leaves_the_last_file_and_publish_says_why(
    site: TreeSite,
) -> None:
    (site.root / "state.git/lfs/objects" / SHA[:2] / SHA[2:4] / SHA).unlink()
    before = kps(site)
    by_network(site)
    assert kps(site) == before
    assert told(site, expected=4)
    assert told(site, "--quick", expected=4)
    assert SHA in site.ok("publish", expected=6).out
    assert kps(site) == before


def test_what_an_older_kp_left_standing_is_given_back_by_publish(
    site: TreeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpstore.targets.tree.idle.stays", lambda *_: True)
    by_network(site)
    monkeypatch.undo()
    assert kps(site)
    assert COMES in site.ok("verify", expected=4).out
    site.ok("verify", "--quick", expected=4)
    site.ok("status", expected=4)
    site.ok("publish")
    assert kps(site) == set()
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert told(site) == []


def test_what_others_wrote_over_kps_is_kept_and_the_original_comes(
    site: TreeSite,
) -> None:
    (site.tree / GRUB).write_bytes(b"by hand\n")
    by_network(site)
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    kept = [path.read_bytes() for path in (site.root / "found").rglob("grub.cfg")]
    assert kept == [b"by hand\n"]


def test_a_loader_that_a_target_leaves_gives_its_original_back(site: TreeSite) -> None:
    picker = site.picker()
    with picker.edit("only bls") as edit:
        document = edit.state.target("disk")
        changed = document.model_copy(update={"loaders": ("bls",)})
        edit.state.put(Key("target", "disk"), changed)
    assert (site.tree / GRUB).read_bytes() == ORIGINAL
    assert LOADER in kps(site)
    assert told(site) == []
