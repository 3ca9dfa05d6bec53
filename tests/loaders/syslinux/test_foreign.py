"""An extlinux.conf that kp did not write."""

import pytest

from kpstore.loaders.listing import Listing
from kpstore.loaders.syslinux.foreign import read
from support.filetree import Files

TEXT = """\
DEFAULT b
INCLUDE more.cfg
LABEL a
  LINUX a
LABEL b
  KERNEL b
  APPEND initrd=one,two quiet
"""
TWO = "label a\n linux a\n append of=a\nlabel b\n linux b\n append of=b\n"


def only(text: str) -> Listing:
    (found,) = read(Files({"boot/extlinux.conf": text}))
    return found


def test_what_it_lists_and_boots() -> None:
    found = only(TEXT)
    assert [each.kernel for each in found.choices] == ["a", "b"]
    assert found.chosen and found.chosen.initrds == ("one", "two")
    assert found.chosen.words == ("initrd=one,two", "quiet")


def test_what_it_includes_and_is_not_there_is_said() -> None:
    assert only(TEXT).unread == ("boot/extlinux.conf: more.cfg, which it includes",)
    (line,) = only(f"{TWO}menu include graphics.conf\n").unread
    assert line == "boot/extlinux.conf: graphics.conf, which it includes"


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("include more.cfg", "boot/extlinux/more.cfg"),
        ("menu include ../more.cfg More", "boot/more.cfg"),
        ("INCLUDE /boot/more.cfg", "boot/more.cfg"),
        ("include /more.cfg", "boot/more.cfg"),
        ("include /../../more.cfg", "more.cfg"),
    ],
)
def test_what_it_includes_is_read_in_its_place(said: str, path: str) -> None:
    config = f"{TWO}{said}\nappend last\n"
    files = {"boot/extlinux/extlinux.conf": config, path: "menu default\ndefault b"}
    (found,) = read(Files(files))
    assert found.chosen and found.chosen.ident == "b"
    assert found.chosen.words == ("last",)
    assert found.unread == ()


def test_files_that_include_each_other_come_to_an_end() -> None:
    files = {"boot/extlinux.conf": f"{TWO}include x\n", "boot/x": "include x\n" * 9}
    (found,) = read(Files(files))
    assert found.chosen and found.chosen.ident == "a"
    assert found.unread == ("boot/extlinux.conf: x, which it includes",)


def test_other_files_are_none_of_its() -> None:
    assert list(read(Files({"boot/grub/grub.cfg": TEXT}))) == []


@pytest.mark.parametrize(
    ("text", "boots"),
    [
        (TWO, "a"),
        (f"default b\n{TWO}", "b"),
        (f"{TWO}default b\n", "b"),
        (f"DEFAULT\tb\n{TWO}", "b"),
        (f"default a\ndefault b\n{TWO}", "b"),
        (f"default a\nontimeout b\n{TWO}", "b"),
        (f"{TWO}menu default\n", "b"),
        (f"default a\n{TWO}menu default\n", "a"),
        (f"default menu.c32\n{TWO}menu default\n", "b"),
        (f"default vesamenu.c32\n{TWO}", "a"),
        (f"ui menu.c32\n{TWO}", "a"),
        (f"default c\n{TWO}", "a"),
        (f"default b\n{TWO}label b\n linux c\n", "b"),
        (f"default a b\n{TWO}label a b\n linux c\n", "a b"),
    ],
)
def test_the_label_that_boots_when_nobody_is_there(text: str, boots: str) -> None:
    found = only(text)
    assert found.chosen and found.chosen.ident == boots
    assert found.chosen in found.choices
    names_none = "default c" in text
    assert [x for x in found.unread if "names none" not in x] == []
    assert len(found.unread) == names_none


def test_a_default_may_add_to_the_command_line() -> None:
    found = only(f"default b single\n{TWO}")
    assert found.chosen and found.chosen.words == ("of=b", "single")


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("", ("shared",)),
        ("append own", ("own",)),
        ("append -", ()),
        ("append own\nappend last", ("last",)),
    ],
)
def test_a_command_line_of_all_labels_or_of_one(label: str, words: tuple[str]) -> None:
    found = only(f"append shared\nlabel a\nlinux a\n{label}\n")
    assert found.chosen and found.chosen.words == words


def test_a_label_ends_where_the_menu_s_own_lines_begin() -> None:
    found = only(f"{TWO}menu separator\nappend shared\nlabel c\nlinux c\n")
    assert [each.words for each in found.choices] == [("of=a",), ("of=b",), ("shared",)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{TWO}fdtdir /dtbs\ndefault b\n", "fdtdir of b: kp keeps no device trees"),
        ("label a\ncom32 hdt.c32\n", "a, which boots no kernel by itself"),
        ("label a\nkernel chain.c32\n", "a, which boots no kernel by itself"),
        ("label a\nlinux a\nlocalboot 0\n", "a, which boots no kernel by itself"),
    ],
)
def test_what_kp_can_t_keep_of_what_boots_is_said(text: str, said: str) -> None:
    found = only(text)
    assert found.chosen
    assert found.unread == (f"boot/extlinux.conf: {said}",)


@pytest.mark.parametrize("word", ["com32", "kernel"])
def test_xen_is_started_with_linux_behind_it(word: str) -> None:
    line = "xen.gz dom0_mem=1G --- vmlinuz-lts root=/dev/sda1 ro --- initramfs-lts"
    chosen = only(f"label xen\n{word} mboot.c32\nappend {line}\n").chosen
    assert chosen
    assert (chosen.hypervisor, chosen.kernel) == ("xen.gz", "vmlinuz-lts")
    assert chosen.hypervisor_words == ("dom0_mem=1G",)
    assert chosen.initrds == ("initramfs-lts",)
    assert chosen.words == ("root=/dev/sda1", "ro")


@pytest.mark.parametrize("line", ["", "append -", "append xen.gz", "append ---"])
def test_xen_without_linux_is_no_kernel(line: str) -> None:
    found = only(f"label xen\ncom32 mboot.c32\n{line}\n")
    assert found.unread == ("boot/extlinux.conf: xen, which boots no kernel by itself",)


def test_a_device_tree_of_another_label_is_nothing_to_say() -> None:
    assert only(f"default a\n{TWO}fdt /a.dtb\n").unread == ()


def test_a_file_without_labels_boots_nothing() -> None:
    found = only("default a\n")
    assert (found.choices, found.chosen, found.unread) == ((), None, ())


@pytest.mark.parametrize(
    "path",
    [
        "boot/syslinux/syslinux.cfg",
        "boot/syslinux/extlinux.conf",
        "boot/extlinux/syslinux.cfg",
        "syslinux/syslinux.cfg",
        "boot/efi/efi/Syslinux/syslinux.cfg",
    ],
)
def test_syslinux_s_own_file_is_read(path: str) -> None:
    (found,) = read(Files({path: "label a\nlinux ../vmlinuz-linux\n"}))
    assert (found.source, found.choices[0].kernel) == (path, "../vmlinuz-linux")


def test_of_one_folder_extlinux_conf_counts() -> None:
    files = {f"boot/syslinux/{name}": "label a\nlinux /a\n" for name in NAMES}
    assert [each.source for each in read(Files(files))] == [
        "boot/syslinux/extlinux.conf"
    ]


NAMES = ("syslinux.cfg", "extlinux.conf")


@pytest.mark.parametrize(
    ("default", "said"),
    [
        ("default b\n", ["its default, b, names none of its labels"]),
        ("default a\nontimeout b\n", ["its default, b, names none of its labels"]),
        ("default a more\n", []),
        ("default menu.c32\n", []),
        ("default a\n", []),
        ("", []),
    ],
)
def test_a_default_that_names_no_label_is_said(default: str, said: list[str]) -> None:
    found = only(f"{default}label a\nlinux /a\n")
    assert found.chosen
    assert found.chosen.ident == "a"
    assert [each.partition(": ")[2] for each in found.unread] == said


def test_what_it_adds_to_a_line_is_said() -> None:
    (said,) = only("label a\nlinux /a\nsysappend 3\n").unread
    assert said.endswith("sysappend of a, what it adds to the command line")
