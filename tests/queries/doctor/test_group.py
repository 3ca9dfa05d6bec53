"""What the doctor says of a shared site, and what it gives back to its group."""

import os
from pathlib import Path

import pytest

from kpstore.disk import sharing
from kpstore.queries.doctor.contract import Advice
from kpstore.site.settings import Settings, save
from support import drifts
from support.groups import GROUP, kinds
from support.sites import SmallSite, first_import

pytestmark = pytest.mark.timeout(300)


def said(site: SmallSite) -> list[Advice]:
    """Return what the doctor says of the group."""
    return [each for each in site.picker().examine() if each.about == "group"]


@pytest.fixture
def shared(tmp_path: Path) -> SmallSite:
    site = SmallSite(tmp_path, shared=str(GROUP))
    site.create()
    first_import(site.picker())
    return site


def test_a_whole_one_is_said(shared: SmallSite) -> None:
    name = sharing.name_of(GROUP)
    assert [each.text for each in said(shared)] == [
        f"the site is written by group {name}",
        f"target disk is written by group {name}",
        f"target net is written by group {name}",
    ]
    git = (each for each in shared.picker().examine() if each.about == "repository")
    assert [each.level for each in git] == ["ok"]  # config says sharedRepository


def test_what_was_lost_is_given_back(shared: SmallSite) -> None:
    was = kinds(shared.where)
    lost = [
        shared.root,
        shared.root / "cache/index.db",
        shared.root / "state.git/refs/heads/main",
        shared.tftp / "kp/menus",
        shared.tftp / "pxelinux.cfg",
    ]
    for path in lost:
        path.chmod(0o755 if path.is_dir() else 0o600)
    found = said(shared)
    assert [each.level for each in found] == ["note", "ok", "note"]
    assert "and 2 more: given back" in found[0].text
    assert kinds(shared.where) == was
    assert {each.level for each in said(shared)} == {"ok"}


def test_a_targets_root_is_its_owners_to_open(shared: SmallSite) -> None:
    shared.tftp.chmod(0o3755)
    [_, _, root, net] = said(shared)
    assert (root.level, net.level) == ("bad", "ok")
    assert root.text.startswith(f"target net: {shared.tftp}, which is not kp's: mode")
    assert root.mend == f"as its owner: chmod g+rwxs,-t {shared.tftp}"
    assert shared.tftp.stat().st_mode & 0o7777 == 0o3755


def test_who_cant_give_it_back_is_told_who_can(
    shared: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_another(*_: object) -> None:
        raise PermissionError

    (shared.root / "cache").chmod(0o755)
    monkeypatch.setattr(os, "fchmod", of_another)
    [site, *_] = said(shared)
    assert site.level == "bad"
    assert site.text == f"the site: {shared.root}/cache: mode 0755, not 2775"
    assert site.mend == f"as root: kp --site {shared.root} doctor"


def test_a_reader_changes_nothing(
    shared: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shared.root / "cache").chmod(0o755)
    monkeypatch.setattr(sharing, "may_write", lambda _: False)
    [site, *_] = said(shared)
    assert site.level == "bad"
    assert (shared.root / "cache").stat().st_mode & 0o7777 == 0o755


def test_a_site_of_one_becomes_a_groups(tmp_path: Path) -> None:
    """By one line in kp.toml, and the doctor; git by the line that it prints."""
    site = SmallSite(tmp_path)
    site.create()
    first_import(site.picker())
    paths = {"net": site.tftp}, {"web": site.tree}
    save(site.root / "kp.toml", Settings(*paths, str(GROUP)))
    [of_site, *of_targets] = said(site)
    assert of_site.level == "note"
    assert of_site.text.endswith("given back to the group")
    assert not list(sharing.lost(site.root, private=("keys", "found", "reserve")))
    if os.geteuid() == 0:  # else the roots are this group's from the start
        assert ["only its owner publishes" in each.text for each in of_targets] == [
            True,
            True,
        ]
        assert f"chgrp {GROUP} {site.tree}" in of_targets[0].mend
    git = [each for each in site.picker().examine() if each.about == "repository"]
    assert any("sharedrepository" in each.text.lower() for each in git)
    for root in (site.tftp, site.tree):
        os.chown(root, -1, GROUP)
        root.chmod(0o2775)
    said(site)
    assert {each.level for each in said(site)} == {"ok"}
    assert drifts.kinds(site) == set()


def test_a_group_that_is_not_here_is_named(shared: SmallSite) -> None:
    paths = {"net": shared.tftp}, {"web": shared.tree}
    save(shared.root / "kp.toml", Settings(*paths, "nosuch-group"))
    [only] = said(shared)
    assert only.level == "bad"
    assert "no group nosuch-group" in only.text
    assert only.mend.startswith("groupadd nosuch-group")


def test_a_site_of_one_is_not_asked(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    assert said(site) == []
