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
