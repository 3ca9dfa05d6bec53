"""loader.conf and its entries, as systemd-boot reads them."""

import pytest

from kpstore.loaders.bls.foreign import read
from support.filetree import Files

ENTRY = "title A\nlinux /a\noptions quiet\n"
FILES = {
    "efi/loader/entries/a-2+3.conf": ENTRY,
    "efi/loader/entries/a-10.conf": ENTRY,
    "boot/loader/entries/elsewhere.conf": ENTRY,
}


@pytest.mark.parametrize(
    ("default", "ident"), [("", "a-10"), ("a-*", "a-10"), ("a-2.conf", "a-2")]
)
def test_the_entry_that_is_meant(default: str, ident: str) -> None:
    (found,) = read(Files({**FILES, "efi/loader/loader.conf": f"default {default}\n"}))
    assert [each.ident for each in found.choices] == ["a-10", "a-2"]
    assert found.chosen and found.chosen.ident == ident
    assert found.unread == ()


@pytest.mark.parametrize("default", ["@saved", "b-*"])
def test_what_it_means_is_not_guessed(default: str) -> None:
    (found,) = read(Files({**FILES, "efi/loader/loader.conf": f"default {default}\n"}))
    assert found.chosen is None
    assert found.unread == (f"efi/loader/loader.conf: its default, {default}",)


def test_entries_alone_say_no_default() -> None:
    assert list(read(Files(FILES))) == []
