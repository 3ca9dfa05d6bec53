"""A grub.cfg that kp did not write: what GRUB makes of it at a boot without anybody."""

import pytest

from kpstore.loaders.grub.foreign import read
from kpstore.loaders.listing import Listed, Listing
from support.filetree import Files

CONFIG = "boot/grub/grub.cfg"


def listing(text: str, files: dict[str, str] | None = None) -> Listing:
    (found,) = read(Files({CONFIG: text, **(files or {})}))
    return found


def booted(text: str, files: dict[str, str] | None = None) -> Listed:
    found = listing(text, files)
    assert found.unread == ()
    assert found.chosen
    return found.chosen


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("$opts", ("ro", "quiet")),
        ('"$opts"', ("ro quiet",)),
        ("a=$opts.b", ("a=ro", "quiet.b")),
        ("'$opts'", ("$opts",)),
        ("\\$opts", ("$opts",)),
        ('"\\$opts"', ("$opts",)),
        ("x${unset}y $unset", ("xy",)),
        ("a\\ b # c", ("a b",)),
        ("a \\\n b", ("a", "b")),
    ],
)
def test_words_of_a_line(line: str, words: tuple[str, ...]) -> None:
    text = f"opts='ro quiet'\nmenuentry x {{ linux ($root)/vmlinuz {line}\n }}"
    found = booted(text)
    assert (found.kernel, found.words) == ("/vmlinuz", words)


def test_a_device_tree_of_what_boots_is_said() -> None:
    entry = "menuentry %s {\nlinux /%s\ndevicetree /%s.dtb\n}\n"
    found = listing("".join(entry % (name, name, name) for name in "ab"))
    said = f"{CONFIG}: the device tree /a.dtb: kp keeps no device trees"
    assert found.unread == (said,)
    assert listing("menuentry a {\nlinux /a\ndevicetree\n}\n").unread == ()


def test_acpi_tables_of_what_boots_are_said() -> None:
    entry = "menuentry a {\nlinux /a\nacpi -2 ($root)/x.aml /y.aml\n}\n"
    said = f"{CONFIG}: the ACPI tables /x.aml /y.aml: kp keeps none"
    assert listing(entry).unread == (said,)
    assert listing(f"menuentry b {{ linux /b; }}\n{entry}").unread == ()


@pytest.mark.parametrize(
    ("load", "initrds"),
    [("", ("/i.img",)), ("initrd /own", ("/own",))],
)
def test_an_initrd_in_the_line_is_what_the_kernel_loads_where_no_other_is(
    load: str, initrds: tuple[str, ...]
) -> None:
    text = f"menuentry a {{\nlinux /a ro initrd='\\i.img'\n{load}\n}}\n"
    assert booted(text).initrds == initrds
