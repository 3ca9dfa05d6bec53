from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, NotFound, Refused
from kpstore.formats import samples as make
from kpstore.formats.module_tree import module_name
from kpstore.formats.modules import (
    firmware_name,
    read_firmware,
    read_modules,
)

RELEASE = "6.1.0-56-amd64"
REL = f"lib/modules/{RELEASE}"


@pytest.fixture
def image(tmp_path: Path) -> Iterator[Beneath]:
    for path, content in make.module_files(RELEASE, ["e1000", "snd-hda"]).items():
        place = tmp_path / REL / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    with Beneath.open(tmp_path) as tree:
        yield tree


def test_modules_of_a_tree(image: Beneath) -> None:
    facts = read_modules(image, REL)
    assert facts.release == RELEASE
    assert facts.modules == {"e1000", "snd_hda"}
    assert facts.builtin == {"ext4"}
    assert facts.indexed


def test_a_tree_that_depmod_has_not_seen(image: Beneath) -> None:
    image.remove(f"{REL}/modules.dep")
    assert not read_modules(image, REL).indexed


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("kernel/drivers/e1000.ko", "e1000"),
        ("kernel/snd-hda.ko.xz", "snd_hda"),
        ("a.ko.zst", "a"),
        ("modules.dep", None),
        ("a.ko.txt", None),
    ],
)
def test_module_names(path: str, name: str | None) -> None:
    assert module_name(path) == name


def test_what_is_no_module_tree(image: Beneath, tmp_path: Path) -> None:
    (tmp_path / "lib/modules/empty").mkdir()
    with pytest.raises(InvalidInput, match="holds no modules"):
        read_modules(image, "lib/modules/empty")
    with pytest.raises(NotFound, match=r"9\.9"):
        read_modules(image, "lib/modules/9.9")
    with pytest.raises(InvalidInput, match="not named as"):
        read_modules(image, "lib/modules/a b")


def test_a_list_of_hostile_length_is_refused(image: Beneath, tmp_path: Path) -> None:
    with (tmp_path / REL / "modules.builtin").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Refused, match=r"modules\.builtin"):
        read_modules(image, REL)


def test_firmware(image: Beneath) -> None:
    assert read_firmware(image) == frozenset()
    image.makedirs("usr/lib/firmware/qla")
    image.write("usr/lib/firmware/qla/a.bin.xz", b"x")
    image.makedirs("lib/firmware")
    image.write("lib/firmware/b.bin", b"x")
    assert read_firmware(image) == {"qla/a.bin", "b.bin"}
    assert firmware_name("c.bin.zst") == "c.bin"
