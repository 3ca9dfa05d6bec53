"""A grub.cfg that kp did not write: words as GRUB makes them."""

import pytest

from kpstore.loaders.grub.foreign import read, read_grub
from support.filetree import Files

VALUES = {"opts": "ro quiet", "root": "hd0"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("$opts", ("ro", "quiet")),
        ('"$opts"', ("ro quiet",)),
        ("a=$opts.b", ("a=ro", "quiet.b")),
        ("'$opts'", ("$opts",)),
        ("\\$opts", ("$opts",)),
        ('"\\$opts \\"x\\""', ('$opts "x"',)),
        ("x${unset}y $unset", ("xy",)),
        ("a\\ b # c", ("a b",)),
        ("a \\\n b", ("a", "b")),
        ("a$", ("a$",)),
    ],
)
def test_words_of_a_line(line: str, words: tuple[str, ...]) -> None:
    text = f"menuentry x {{ linux ($root)/vmlinuz {line}\n }}"
    (entry,) = read_grub(text, VALUES).entries
    assert (entry.kernel, entry.words) == ("(hd0)/vmlinuz", words)


def test_each_grub_cfg_has_a_block_of_its_own_beside_it() -> None:
    entry = "set default=$saved_entry\nmenuentry a { linux /a\n }\nmenuentry b { }\n"
    files = {
        "boot/grub/grub.cfg": entry,
        "boot/grub/grubenv": "saved_entry=b\n",
        "boot/grub2/grub.cfg": entry,
        "boot/efi/EFI/x/grub.cfg": "}",
    }
    first, second, third = read(Files(files))
    assert first.chosen and second.chosen
    assert (first.chosen.title, second.chosen.title) == ("b", "a")
    assert third.unread == (
        "boot/efi/EFI/x/grub.cfg: a brace is closed that was not opened",
    )
