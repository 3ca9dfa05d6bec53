"""What only a way back or a look-up under way needs, damaged: named, and mended."""

import os
import shutil
from pathlib import Path

import pytest

from kpstore.edits import entries, images
from support.cli import run
from support.sites import (
    SmallSite,
    first_import,
    make,
    moving_nodes,
    second_kernel,
)


def another(site: SmallSite) -> None:
    """Menus of every template change, and own files."""
    with site.picker().edit("more") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sdb1",)})
        images.change(edit.state, "gpu", {"params": ("nosmt",)})


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    made = make(tmp_path, first_import, second_kernel)
    with made.picker().edit("6.1 goes") as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/sda9",)})
    moving_nodes(made.picker())
    another(made)
    return made


def told(site: SmallSite, *argv: str, expected: int = 0) -> dict[str, str]:
    result = run(site.root, "verify", *argv, "--json")
    assert result.status == expected, result
    [net] = [each for each in result.json if each["target"] == "net"]
    return {each["path"]: each["kind"] for each in net["findings"]}


def live(site: SmallSite) -> Path:
    return Path(os.path.realpath(site.tftp / "kp/live"))


def spare(site: SmallSite, folder: str) -> list[Path]:
    """Parts that the live generation doesn't lead to."""
    links = [*live(site).iterdir(), *live(site).glob("[0-9a-f][0-9a-f]/*")]
    led_to = {os.path.realpath(each) for each in links}
    every = sorted((site.tftp / "kp" / folder).iterdir())
    return [each for each in every if os.path.realpath(each) not in led_to]


def in_root(site: SmallSite, path: Path) -> str:
    return str(path.relative_to(site.tftp))


def cut(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize("folder", ["menus", "shards"])
@pytest.mark.parametrize("way", ["cut", "mode", "gone"])
def test_a_damaged_part_of_another_generation_is_spoiled(
    site: SmallSite, folder: str, way: str
) -> None:
    assert told(site) == {}
    for part in spare(site, folder):
        kept = site.where / "aside"
        shutil.copytree(part, kept)
        if way == "cut":
            cut(sorted(part.iterdir())[-1])
        elif way == "mode":
            sorted(part.iterdir())[-1].chmod(0o600)
        else:
            shutil.rmtree(part)
        assert told(site) == {in_root(site, part): "spoiled"}
        assert told(site, "--quick") == {}
        shutil.rmtree(part, ignore_errors=True)
        kept.rename(part)
    assert len(spare(site, folder)) > 1
    assert told(site) == {}


def test_a_shelf_and_a_state_of_another_generation_are_spoiled(
    site: SmallSite,
) -> None:
    [shelf, *_] = spare(site, "shelves")
    next(each for each in shelf.iterdir() if each.is_symlink()).unlink()
    assert told(site) == {in_root(site, shelf): "spoiled"}
    older = next(e for e in (site.tftp / "kp/generations").iterdir() if e != live(site))
    (older / "STATE").write_bytes(b"{")
    assert told(site)[in_root(site, older)] == "spoiled"


def test_it_is_said_and_no_drift_and_publish_leaves_it(site: SmallSite) -> None:
    part = spare(site, "menus")[0]
    cut(next(part.iterdir()))
    said = run(site.root, "verify").out
    assert "net: live, as committed; 1 spoiled, for the way back alone" in said
    assert "a rollback draws it anew" in said
    run(site.root, "publish")
    assert part.exists()
    assert told(site) == {in_root(site, part): "spoiled"}


def kernels(site: SmallSite) -> list[Path]:
    """Objects that no live menu names."""
    files = (p for p in live(site).rglob("*") if p.is_file())
    menus = [p.read_bytes() for p in live(site).glob("*/*/*") if p.is_file()]
    menus += [p.read_bytes() for p in files]
    every = sorted((site.tftp / "kp/objects").glob("*/*"))
    return [
        each for each in every if not any(each.parent.name.encode() in m for m in menus)
    ]


@pytest.mark.parametrize("way", ["cut", "file gone", "folder gone"])
def test_a_kernel_for_the_way_back_comes_from_its_artifact(
    tmp_path: Path, way: str
) -> None:
    site = make(tmp_path, first_import, second_kernel)
    with site.picker().edit("another entry") as edit:
        for name in ("production", "rescue"):
            entries.change(edit.state, "web", name, {"kernel": "6.2"})
    found = kernels(site)
    assert found
    for each in found:
        data = each.read_bytes()
        if way == "cut":
            cut(each)
        elif way == "file gone":
            each.unlink()
        else:
            shutil.rmtree(each.parent)
        assert told(site, expected=4 if way == "cut" else 0)
        run(site.root, "publish")
        assert each.read_bytes() == data
        assert told(site) == {}
