"""Targets come and go with commits: a commit that fails leaves no trace of one."""

import os
from pathlib import Path

import pytest

from kpstore.edits import targets
from kpstore.errors import KpError, Refused
from kpstore.history.snapshot import Snapshot
from kpstore.operations.transaction import Transaction
from kpstore.site.settings import load, save
from support import sites
from support.cli import digest
from support.sites import LOADERS, SmallSite, first_import, mac, second_kernel

NET = {"kind": "tftp", "loaders": LOADERS}


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import)


def save_roots(site: SmallSite, **roots: Path) -> None:
    """Say where TFTP targets are on this server."""
    settings = load(site.root / "kp.toml")
    more = settings._replace(roots={**settings.roots, **roots})
    save(site.root / "kp.toml", more)


def root_for(site: SmallSite, *names: str) -> Path:
    """Make another TFTP root, known on this server by these targets' names."""
    root = site.where / "second"
    root.mkdir(exist_ok=True)
    save_roots(site, **dict.fromkeys(names, root))
    return root


def add(site: SmallSite, name: str, **options: object) -> None:
    with site.picker().edit(f"add {name}") as edit:
        targets.add(edit.state, name, {**NET, "options": options})


def damage_kernel(site: SmallSite) -> None:
    """Change a kernel in the store, so that no new target can be staged."""
    objects = site.picker().site.artifacts
    kernel = next((site.tftp / "kp/objects").glob("*/vmlinuz")).parent.name
    path = objects.path(kernel)
    path.chmod(0o644)
    path.write_bytes(b"?" * path.stat().st_size)


@pytest.mark.parametrize("prefix", ["", "pxe/main"])
def test_a_failed_add_leaves_nothing_in_a_tftp_root(
    site: SmallSite, prefix: str
) -> None:
    root, tip = root_for(site, "two"), site.picker().site.tip()
    damage_kernel(site)
    if not prefix:
        (root / "kp").mkdir()  # the administrator's own
    before = digest(root)
    with pytest.raises(Refused, match="holds other bytes"):
        add(site, "two", prefix=prefix)
    assert digest(root) == before
    assert site.picker().site.tip() == tip


def test_a_failed_add_leaves_nothing_in_an_image_tree(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.picker().edit("no more") as edit:
        targets.remove(edit.state, "disk")

    def full(*_: object) -> None:
        raise KpError("no room for main")

    monkeypatch.setattr(Transaction, "_advance", full)
    before = digest(site.tree)
    with pytest.raises(KpError, match="no room"), site.picker().edit("again") as edit:
        image = {"kind": "image", "loaders": ("grub",), "image": "web"}
        targets.add(edit.state, "disk", image)
    assert digest(site.tree) == before


def test_nothing_that_nodes_see_is_made_before_the_commit(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = root_for(site, "two")
    advance = Transaction._advance
    seen: list[str] = []

    def looked(self: Transaction, snapshot: Snapshot) -> None:
        seen.extend(sorted(os.listdir(root)))
        advance(self, snapshot)

    monkeypatch.setattr(Transaction, "_advance", looked)
    add(site, "two")
    assert seen == ["kp"]
    assert (root / "pxelinux.cfg/default").read_bytes()
    assert (root / "ipxe/boot.ipxe").read_bytes()


def identity(site: SmallSite, name: str) -> str | None:
    picker = site.picker()
    [target] = [t for t in picker.site.targets(picker.view()) if t.name == name]
    found = target.publisher.identity() if target.publisher else None
    return found.target if found else None


def test_what_a_killed_add_left_is_gone_on_with_by_another_name(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = root_for(site, "tow", "two")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "_advance", killed)
        patched.setattr("kpstore.operations.staging.Staging._discard", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            add(site, "tow")
    assert (root / "kp/TARGET").exists()
    add(site, "two")
    assert identity(site, "two") == "two"
    with pytest.raises(Refused, match="is target two") as caught:
        add(site, "tow")
    assert caught.value.hint.startswith("to take it over: kp commit --without tow")
    assert identity(site, "two") == "two"
    assert [v.findings for v in site.picker().verify(deep=True)] == [[], [], []]


def rm(site: SmallSite, name: str) -> list[str]:
    """Remove a target; return the warnings."""
    with site.picker().edit(f"rm {name}") as edit:
        targets.remove(edit.state, name)
    assert edit.outcome is not None
    return list(edit.outcome.warnings)


def test_a_tftp_root_that_is_left_goes_on_serving_and_can_be_added_again(
    site: SmallSite,
) -> None:
    root, menu = site.tftp, site.tftp / f"pxelinux.cfg/01-{mac(1).replace(':', '-')}"
    was = menu.read_bytes()
    assert rm(site, "net") == [
        f"target net: {root}/kp goes on serving r2 to nodes; remove it by hand when "
        "nothing boots from it"
    ]
    assert menu.read_bytes() == was
    assert not (root / "kp/TARGET").exists()
    second_kernel(site.picker())
    save_roots(site, net2=root)
    add(site, "net2")
    assert identity(site, "net2") == "net2"
    assert menu.read_bytes() != was
    found = {v.name: v.findings for v in site.picker().verify(deep=True)}
    assert found == {"net2": [], "disk": []}


def test_a_root_under_another_name_is_left_as_it_is(site: SmallSite) -> None:
    path = site.tftp / "kp/TARGET"
    path.write_text(path.read_text().replace('"net"', '"other"'))
    assert rm(site, "net") == []
    assert '"other"' in path.read_text()


def test_a_disabled_target_is_left_too(site: SmallSite) -> None:
    for name in ("net", "disk"):
        with site.picker().edit(f"disable {name}") as edit:
            targets.enable(edit.state, name, enabled=False)
    [warning] = rm(site, "net")
    assert "goes on serving r2" in warning
    assert rm(site, "disk") == []
    assert not (site.tree / "boot/kp").exists()


def test_a_target_that_never_left_what_a_commit_goes_back_to_is_not_drawn_anew(
    site: SmallSite,
) -> None:
    was = sorted((site.tftp / "kp/generations").iterdir())
    for enabled in (False, True):
        with site.picker().edit(f"net {enabled}") as edit:
            targets.enable(edit.state, "net", enabled=enabled)
    assert sorted((site.tftp / "kp/generations").iterdir()) == was
    assert {each.condition for each in edit.outcome.targets} == {"live"}
