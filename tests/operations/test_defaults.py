"""Which payloads were defaults: from history, and remembered."""

import shutil
from pathlib import Path

import pytest

from kpstore.edits import entries, images, nodes
from kpstore.history import walk
from kpstore.model.boot import default_boot
from kpstore.model.keys import Key
from kpstore.operations import defaults
from kpstore.operations.defaults import Defaults, defaults_of, remember
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, call_good, first_import, roll_back, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, second_kernel, roll_back)


def found(site: SmallSite) -> Defaults:
    picker = site.picker()
    return defaults_of(picker.site, picker.site.main())


def kept(site: SmallSite) -> None:
    picker = site.picker()
    remember(picker.site, picker.site.main(), found(site))


def payload(site: SmallSite, rev: str, image: str = "web") -> str:
    boot = default_boot(site.picker().view(rev), image)
    assert boot
    return boot.payload.id


def test_each_with_the_newest_revision_whose_default_it_was(site: SmallSite) -> None:
    assert found(site) == {
        "web": {payload(site, "r2"): 5, payload(site, "r4"): 4},
        "gpu": {payload(site, "r2", "gpu"): 5},
    }


def test_what_is_remembered_is_not_read_again(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(site)
    sites.small_edit(site.picker())
    read: list[str | None] = []
    whole = defaults._default
    monkeypatch.setattr(
        defaults,
        "_default",
        lambda then, image: read.append(then.commit) or whole(then, image),
    )
    by_memory = found(site)
    assert read == [site.picker().site.tip()]  # of the image that changed
    shutil.rmtree(site.root / "cache")
    by_walking = found(site)
    assert by_memory["gpu"] == by_walking["gpu"]
    assert by_memory["web"].keys() == by_walking["web"].keys()


def test_by_the_index_it_is_what_walking_finds(site: SmallSite) -> None:
    sites.moving_nodes(site.picker())
    sites.small_edit(site.picker())
    sites.small_edit(site.picker())
    with site.picker().edit("a rule") as edit:
        edit.state.put(Key("site"), edit.state.site().model_copy(update={"name": "x"}))
    by_index = found(site)
    shutil.rmtree(site.root / "cache")
    assert found(site) == by_index


def test_of_nodes_changes_no_commit_is_read(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(site)
    for number in range(4):
        with site.picker().edit("node") as edit:
            nodes.change(edit.state, [sites.name(1)], {}, add_params=(f"n={number}",))
    monkeypatch.setattr(walk, "chain", None)
    assert found(site)["web"][payload(site, "HEAD")] == 9


@pytest.mark.parametrize("text", ["", "{}", "[]", "x", '{"head": 1, "defaults": {}}'])
def test_what_is_remembered_wrongly_is_read_anew(site: SmallSite, text: str) -> None:
    before = found(site)
    index = site.picker().site.index
    assert index
    index.note({"defaults": text})
    assert found(site) == before


def test_an_image_that_went_and_came_back_has_its_past(site: SmallSite) -> None:
    with site.picker().edit("away") as edit:
        for key in (Key("entry", "run", "gpu"), Key("kernel", "5.4", "gpu")):
            edit.state.drop(key)
        images.change(edit.state, "gpu", {"default": None})
    kept(site)
    site.picker().rollback(Rollback(("gpu",), to="r2"))
    assert found(site)["gpu"] == {payload(site, "r2", "gpu"): 7}


def test_only_the_newest_are_remembered(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kpstore.operations.defaults._MOST", 3)
    for number in range(4):
        with site.picker().edit("another") as edit:
            entries.change(edit.state, "gpu", "run", {"params": (f"a={number}",)})
        kept(site)
    assert sorted(found(site)["gpu"].values()) == [7, 8, 9]
