"""Targets come and go with commits: a commit that fails leaves no trace of one."""

import os
from pathlib import Path

import pytest

from kpstore.edits import targets
from kpstore.errors import KpError, Refused
from kpstore.settings import load, save
from kpstore.transaction import Transaction
from support import sites
from support.cli import digest
from support.sites import LOADERS, SmallSite, first_import

NET = {"kind": "tftp", "loaders": LOADERS}


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import)


def root_for(site: SmallSite, *names: str) -> Path:
    """Make another TFTP root, known on this server by these targets' names."""
    root = site.where / "second"
    root.mkdir(exist_ok=True)
    settings = load(site.root / "kp.toml")
    roots = {**settings.roots, **dict.fromkeys(names, root)}
    save(site.root / "kp.toml", settings._replace(roots=roots))
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

    def looked(self: Transaction, *given: object) -> None:
        seen.extend(sorted(os.listdir(root)))
        advance(self, *given)

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
        patched.setattr("kpstore.staging.Staging._discard", lambda _: None)
        with pytest.raises(KeyboardInterrupt):
            add(site, "tow")
    assert (root / "kp/TARGET").exists()
    add(site, "two")
    assert identity(site, "two") == "two"
    with pytest.raises(Refused, match="is target two"):
        add(site, "tow")
    assert identity(site, "two") == "two"
    assert [v.findings for v in site.picker().upkeep.verify(deep=True)] == [[], [], []]
