"""What whole images of distributions boot, told by the loader that each brings."""

import json
from pathlib import Path

import pytest

from kpstore.discovery.image_tree import default_kernel
from kpstore.disk.beneath import Beneath
from support.imagetree import fill, whole_image
from support.sources import ROOT

IMAGES = sorted(
    path.parent.name for path in ROOT.glob("fixtures/trees/whole/*/says.json")
)


@pytest.mark.parametrize("name", IMAGES)
def test_it_boots_what_its_loader_boots(tmp_path: Path, name: str) -> None:
    fill(tmp_path, whole_image(name))
    said = json.loads(
        (ROOT / f"fixtures/trees/whole/{name}/says.json").read_text("utf-8")
    )
    with Beneath.open(tmp_path) as tree:
        found = default_kernel(tree)
    assert (found.unread, found.lost) == ((), ())
    assert found.booted
    assert found.booted.dropped == ()
    assert found.booted._asdict() | {"line": " ".join(found.booted.params)} == (
        found.booted._asdict() | {**said, "initrds": tuple(said["initrds"])}
    )


@pytest.mark.parametrize("name", IMAGES)
def test_it_is_taken_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    """A file of what boots is gone: nothing is made of the rest without a word."""
    fill(tmp_path, whole_image(name))
    said = json.loads((ROOT / f"fixtures/trees/whole/{name}/says.json").read_text())
    for path in (said["kernel"], *said["initrds"]):
        data = (tmp_path / path).read_bytes()
        (tmp_path / path).unlink()
        with Beneath.open(tmp_path) as tree:
            found = default_kernel(tree)
        if found.lost or path != said["kernel"]:
            assert f"{Path(path).name}, which is not in the tree" in found.lost[0]
        else:  # systemd-boot lists no entry whose kernel is gone
            assert "names none of its entries" in found.unread[0]
        if found.booted:  # the kernel is gone, and one is left: as its loader boots it
            assert path == said["kernel"]
            assert " ".join(found.booted.params) == said["line"]
            assert found.booted.initrds and found.booted.source
        (tmp_path / path).write_bytes(data)
