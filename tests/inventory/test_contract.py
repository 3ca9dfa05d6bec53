"""What every importer of the registry has to do: over its samples in fixtures/."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.inventory.contract import Imported, Importer
from kpstore.inventory.registry import IMPORTERS, LATER
from kpstore.model.documents import Node
from support.sources import ROOT

FIXTURES = ROOT / "fixtures/inventory"


def samples(*below: str) -> list[tuple[str, Path]]:
    """Return each importer's samples, and what they say beside them."""
    found = []
    for name in IMPORTERS:
        folder = FIXTURES.joinpath(name, *below)
        suffix = ".says" if below else ".json"
        for said in sorted(folder.glob(f"*{suffix}")):
            (path,) = {*folder.glob(f"{said.stem}*")} - {said}
            found.append((name, path))
    return found


def files(path: Path) -> dict[str, bytes]:
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return {each.name: each.read_bytes() for each in found}


def check(found: Imported, given: dict[str, bytes]) -> None:
    """Hold what was read to what the contract says of it."""
    names = [node.name for node in found.nodes]
    assert len({*names}) == len(names)
    assert all(Node.model_validate(node.model_dump()) == node for node in found.nodes)
    assert all({*members} <= {*names} for members in found.groups.values())
    assert {*found.images} <= {node.image for node in found.nodes}
    places = [*found.images.values(), *found.unread]
    assert all(place.startswith(tuple(given)) for place in places)


@pytest.mark.parametrize("name", IMPORTERS)
def test_an_importer_has_its_word_and_samples(name: str) -> None:
    assert IMPORTERS[name].name == name
    assert name not in LATER
    assert (FIXTURES / name / "README.md").is_file()
    assert name in dict(samples()) and name in dict(samples("refused"))


@pytest.mark.parametrize(("name", "path"), samples())
def test_a_sample_is_read(name: str, path: Path) -> None:
    given = files(path)
    found = IMPORTERS[name].read(given, "base")
    check(found, given)
    assert found == IMPORTERS[name].read(given, "base")
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert [
        node.model_dump(mode="json", exclude_defaults=True) for node in found.nodes
    ] == (expected["nodes"])
    assert found.groups == expected["groups"]
    assert sorted(found.images) == expected["images"]


@pytest.mark.parametrize(("name", "path"), samples())
def test_an_image_that_is_not_known_is_named_by_its_place(
    name: str, path: Path
) -> None:
    found = IMPORTERS[name].read(files(path), None)
    found.check_images(found.images)
    for image, place in found.images.items():
        with pytest.raises(InvalidInput, match=image) as refusal:
            found.check_images({*found.images} - {image})
        assert refusal.value.message.startswith(place)
        assert refusal.value.hint


@pytest.mark.parametrize(("name", "path"), samples("refused"))
def test_what_is_refused_is_named_by_file_and_line(name: str, path: Path) -> None:
    with pytest.raises(InvalidInput) as refusal:
        IMPORTERS[name].read(files(path), None)
    says = path.with_suffix(".says").read_text("utf-8")
    assert refusal.value.message.startswith(f"{path.name}: {says}")
    assert refusal.value.hint


@pytest.mark.parametrize("importer", IMPORTERS.values(), ids=lambda each: each.name)
@given(cut=st.integers(0, 400), noise=st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_by_file(
    importer: Importer, cut: int, noise: bytes
) -> None:
    path = next(path for name, path in samples() if name == importer.name)
    given = {each: data[:cut] + noise for each, data in files(path).items()}
    try:
        check(importer.read(given, None), given)
    except InvalidInput as refusal:
        assert refusal.message.startswith(tuple(given))


@pytest.mark.parametrize("importer", IMPORTERS.values(), ids=lambda each: each.name)
def test_no_file_at_all_is_refused(importer: Importer) -> None:
    with pytest.raises(InvalidInput):
        importer.read({}, None)
