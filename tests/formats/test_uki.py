"""Unified kernel images: what they hold, and what is wrong with damaged ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.uki import UnifiedImage, read_unified

RELEASE = "6.9.7-arch1-1"
OSREL = b'# of Arch\nNAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\n'
WHOLE = {
    ".osrel": OSREL,
    ".cmdline": b"root=UUID=1 rw\x0a\x00",
    ".uname": RELEASE.encode(),
    ".ucode": b"microcode",
    ".initrd": b"initrd",
}


def read(data: bytes) -> UnifiedImage | None:
    return read_unified(lambda at, most: data[at : at + most], len(data))


def test_what_an_image_holds() -> None:
    data = make.unified(RELEASE, more=WHOLE)
    found = read(data)
    assert found is not None
    assert (found.release, found.cmdline) == (RELEASE, "root=UUID=1 rw")
    assert found.os["PRETTY_NAME"] == "Arch Linux"
    assert found.os["ID"] == "arch"
    parts = [data[each.offset : each.end] for each in (found.linux, *found.initrds)]
    assert parts == [make.bzimage(RELEASE), b"microcode", b"initrd"]


def test_an_image_may_hold_a_kernel_alone() -> None:
    found = read(make.unified(RELEASE))
    assert found is not None
    assert (found.release, found.cmdline, found.initrds, found.os) == ("", "", (), {})


def test_the_first_profile_s_sections_count() -> None:
    """A section of a name comes again for each further profile: the spec's .profile."""
    again = make.unified(RELEASE, more={".cmdline": b"first", ".profil": b"ID=1\n"})
    at = again.index(b".profil\0")
    twice = again[:at] + b".cmdline" + again[at + 8 :]
    found = read(twice)
    assert found and found.cmdline == "first"


@pytest.mark.parametrize("data", [b"", b"MZ", make.bzimage(RELEASE), make.elf(RELEASE)])
def test_other_files_are_no_unified_images(data: bytes) -> None:
    assert read(data) is None


def test_a_cut_one_is_named_by_its_section() -> None:
    data = make.unified(RELEASE, more=WHOLE)
    with pytest.raises(InvalidInput, match=r"cut off: its section \.linux ends at"):
        read(data[:-1])
    with pytest.raises(InvalidInput, match=r"cut off: its section \.osrel"):
        read(data[:0x410])


def test_a_text_beyond_measure_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"its section \.cmdline has 70,000 bytes"):
        read(make.unified(RELEASE, more={".cmdline": b"x" * 70_000}))


@given(data=st.data())
def test_no_damage_is_more_than_an_error(data: st.DataObject) -> None:
    image = bytearray(make.unified(RELEASE, more=WHOLE))
    for _ in range(data.draw(st.integers(1, 4))):
        image[data.draw(st.integers(0, 0x3FF))] = data.draw(st.integers(0, 255))
    try:
        read(bytes(image[: data.draw(st.integers(0, len(image)))]))
    except InvalidInput as error:
        assert "section" in error.message
