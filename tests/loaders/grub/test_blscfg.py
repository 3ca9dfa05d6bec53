"""Boot loader entries as GRUB's blscfg lists them, by its own variables."""

from collections.abc import Mapping

import pytest

from kpstore.loaders.bls.foreign import read as read_by_systemd_boot
from kpstore.loaders.grub.foreign import read
from kpstore.loaders.listing import Listed, Listing
from support.filetree import Files

MACHINE = "4f1c0a9e7b2d4c6f8e0a1b2c3d4e5f60"


def reading(entries: Mapping[str, str], environment: Mapping[str, str] = {}) -> Listing:
    files = {f"boot/loader/entries/{name}.conf": text for name, text in entries.items()}
    values = (f"set {name}='{value}'\n" for name, value in environment.items())
    config = "".join([*values, "insmod blscfg\n", "blscfg\n"])
    (found,) = read(Files({"boot/grub2/grub.cfg": config, **files}))
    return found


def listed(
    entries: Mapping[str, str], environment: Mapping[str, str] = {}
) -> list[Listed]:
    found = reading(entries, environment)
    assert found.unread == ()
    return list(found.choices)


def only(text: str, environment: Mapping[str, str] = {}) -> Listed:
    (found,) = listed({"a": text}, environment)
    return found


def test_a_device_tree_of_what_boots_is_said() -> None:
    entries = {
        f"boot/loader/entries/{name}.conf": f"linux /{name}\ndevicetree /{name}.dtb\n"
        for name in ("a-1-1", "a-2-1")
    }
    (found,) = read(Files({"boot/grub2/grub.cfg": "blscfg\n", **entries}))
    assert found.unread == (
        "boot/grub2/grub.cfg: the device tree /a-2-1.dtb: kp keeps no device trees",
    )


def test_names_are_ordered_as_rpm_orders_packages() -> None:
    """The kernel's version counts, the entry's `version` and `sort-key` don't."""
    names = (
        f"{MACHINE}-6.5.6-300.fc39.x86_64",
        f"{MACHINE}-6.11.4-100.fc39.x86_64",
        f"{MACHINE}-0-rescue",
        f"{MACHINE}-6.11.4-99.fc39.x86_64",
        "9fff-1.0-1",
    )
    entries = {name: f"linux /{name}\nversion 9\nsort-key a\n" for name in names}
    assert [each.ident for each in listed(entries)] == [
        "9fff-1.0-1",
        f"{MACHINE}-6.11.4-100.fc39.x86_64",
        f"{MACHINE}-6.11.4-99.fc39.x86_64",
        f"{MACHINE}-6.5.6-300.fc39.x86_64",
        f"{MACHINE}-0-rescue",
    ]


def test_a_count_of_tries_is_a_part_of_the_name() -> None:
    (found,) = listed({"a-1+0-3": "linux /a\n"})
    assert found.ident == "a-1+0-3"


def test_an_entry_without_a_kernel_is_not_listed() -> None:
    one, none = "linux /b\n", "title A\n"
    assert [each.ident for each in listed({"b": one, "a": none})] == ["b"]
    found = reading({"a": "title A\nefi /shell.efi\n"})
    assert found.choices == ()
    assert found.unread == (
        "boot/grub2/grub.cfg: a starts /shell.efi: newer GRUBs of Red Hat list it too, "
        "and kp does not",
    )


@pytest.mark.parametrize("path", ["EFI/Linux/u.efi", "loader/entries/z.conf"])
@pytest.mark.parametrize("esp", ["efi", "boot/efi"])
def test_what_newer_ones_find_on_the_esp_is_said(esp: str, path: str) -> None:
    files = {"boot/loader/entries/a.conf": "linux /a\n", f"{esp}/{path}": "MZ"}
    (found,) = read(Files({"boot/grub2/grub.cfg": "blscfg\n", **files}))
    assert [each.ident for each in found.choices] == ["a"]
    (said,) = found.unread
    assert said.startswith(
        f"boot/grub2/grub.cfg: /{esp}/{path}: newer GRUBs of Red Hat"
    )


def test_of_names_that_are_one_to_rpm_one_is_listed() -> None:
    found = reading({"k-1.0-1": "linux /a\n", "k-1.0-01": "linux /b\n"})
    assert len(found.choices) == 1
    assert "k-1.0-01.conf and k-1.0-1.conf" in found.unread[0]


def test_variables_are_filled_in() -> None:
    found = only(
        "title A\nlinux /vmlinuz\ninitrd /initramfs $tuned_initrd\n"
        "options $kernelopts $tuned_params quiet\n",
        {
            "kernelopts": "root=/dev/sda1 ro",
            "tuned_params": "isolcpus=1",
            "tuned_initrd": "/tuned",
        },
    )
    assert found.words == ("root=/dev/sda1", "ro", "isolcpus=1", "quiet")
    assert found.initrds == ("/initramfs", "/tuned")


# As grub-core/commands/blscfg.c of Fedora, compiled, has them.
FILLED = {
    "$kernelopts $t quiet": "root=/dev/sda1 ro x y quiet",
    "ro $t single": "ro x y single",
    "ro $t 3": "ro x y",
    "ab$t/b": "abx y /b",
    "ab$t b": "abx y",
    "$t=$t": "x y",
    "x=$t,": "x=x y",
    "$tuned_params ro": "ro",
    "$tuned_params$t": "",
    "3": "",
    "$": "",
}


@pytest.mark.parametrize("said", FILLED)
def test_a_line_is_filled_in_as_it_is_by_red_hat_s_code(said: str) -> None:
    values = {"kernelopts": "root=/dev/sda1 ro", "t": "x y"}
    found = reading({"a": f"linux /a\noptions {said}\n"}, values)
    assert " ".join(found.choices[0].words) == FILLED[said]


def test_a_variable_in_braces_is_none_and_said() -> None:
    found = reading({"a": "linux /a\noptions ro ${kernelopts}\n"}, {"kernelopts": "x"})
    assert found.choices[0].words == ("ro",)
    assert found.unread == (
        "boot/grub2/grub.cfg: ${kernelopts} of an entry: blscfg knows no braces",
    )


def test_a_variable_that_nothing_sets_is_said_but_for_tuned_s() -> None:
    found = reading({"a": "linux /a\noptions $kernelopts $tuned_params\n"})
    assert found.choices[0].words == ()
    assert found.unread == (
        "boot/grub2/grub.cfg: $kernelopts, which entries name, is set nowhere",
    )


def test_without_options_the_default_ones_count() -> None:
    default = {"default_kernelopts": "root=/dev/sda1"}
    assert only("linux /a\n", default).words == ("root=/dev/sda1",)
    assert only("linux /a\noptions ro\n", default).words == ("ro",)


def test_of_repeated_options_the_first_counts_and_initrds_add_up() -> None:
    text = "linux /a\noptions ro\noptions rw\ninitrd /x\ninitrd /y\n"
    whole = reading({"a": text})
    assert "of the lines of options of a the first one counts" in whole.unread[0]
    found = whole.choices[0]
    assert (found.words, found.initrds) == (("ro",), ("/x", "/y"))


def test_early_initrds_come_first_beside_the_others() -> None:
    early = {"early_initrd": "microcode.img acpi.img"}
    found = only("linux /boot/vmlinuz\ninitrd /boot/m/initramfs\n", early)
    first = ("/boot/m/microcode.img", "/boot/m/acpi.img")
    assert found.initrds == (*first, "/boot/m/initramfs")
    alone = only("linux /boot/vmlinuz\n", early)
    assert alone.initrds == ("/boot/microcode.img", "/boot/acpi.img")


def test_an_entry_s_title_is_its_kernel_where_it_has_none() -> None:
    assert only("linux /a\n").title == "/a"


def booted(config: str, *names: str) -> str:
    files = {
        f"boot/loader/entries/{name}.conf": f"title T{name}\nlinux /{name}\n"
        for name in names
    }
    (found,) = read(Files({"boot/grub2/grub.cfg": config, **files}))
    assert found.chosen
    return found.chosen.kernel


def test_the_default_is_an_id_a_title_or_a_number() -> None:
    names = ("4f1c-1.0-1", "4f1c-2.0-1", "0-9-9")
    assert booted("blscfg\n", *names) == "/4f1c-2.0-1"
    assert booted("set default=4f1c-1.0-1\nblscfg\n", *names) == "/4f1c-1.0-1"
    assert booted("set default=T0-9-9\nblscfg\n", *names) == "/0-9-9"
    assert booted("set default=1\nblscfg\n", *names) == "/4f1c-1.0-1"
    assert booted("set default=4f1c-9\nblscfg\n", *names) == "/4f1c-2.0-1"


def test_ids_go_before_titles_and_a_number_stands_alone() -> None:
    config = "menuentry b { linux /t; }\nsubmenu s { menuentry c { linux /c; }\n}\n"
    assert booted(f"set default=b\n{config}blscfg\n", "b") == "/b"
    assert booted(f"set default='s>0'\n{config}blscfg\n", "b") == "/c"
    files = {"boot/loader/entries/b.conf": "linux /b\n"}
    text = f"set default='1>0'\n{config}blscfg\n"
    (found,) = read(Files({"boot/grub2/grub.cfg": text, **files}))
    assert found.chosen
    assert found.chosen.kernel == "/t"
    assert "its default, 1>0: the first entry, but to Red Hat's old" in found.unread[0]


def test_what_stands_before_it_in_the_menu_comes_first() -> None:
    config = "menuentry a { linux /a; }\nblscfg\nmenuentry b { linux /b; }\n"
    assert booted(config, "x") == "/a"
    assert booted(f"set default=1\n{config}", "x") == "/x"
    assert booted(f"set default=b\n{config}", "x") == "/b"


def test_some_of_them_can_be_named() -> None:
    config = "set default=b\nblscfg non-default\nblscfg default\nset default=1\n"
    assert booted(config, "a", "b") == "/b"
    assert booted("blscfg a\n", "a", "b") == "/a"
    assert booted("blscfg (hd0)/loader/entries/a.conf\n", "a", "b") == "/a"
    assert booted("blscfg --path=/boot/loader/entries --entry a\n", "a", "b") == "/a"
    assert booted("blscfg -f -p /boot/loader/entries\n", "a", "b") == "/b"
    shown = "set default=a\nblscfg --show-non-default\nset default=0\n"
    assert booted(shown, "a", "b") == "/b"
    assert booted("set blsdir=/boot/loader/entries\nblscfg\n", "a", "b") == "/b"


def test_a_file_is_read_up_to_a_line_without_a_value() -> None:
    whole = reading({"a": "linux /a\n# x\ninitrd /i\n\noptions ro\n"})
    found = whole.choices[0]
    assert (found.initrds, found.words) == (("/i",), ())
    assert "a is read up to its first line without a value" in whole.unread[0]
    assert reading({"a": "linux /a\noptions ro\n\n# end\n"}).unread == ()


def test_one_that_makes_no_script_boots_nothing() -> None:
    files = {"boot/loader/entries/a.conf": "linux /a\noptions x | y\n"}
    (found,) = read(Files({"boot/grub2/grub.cfg": "blscfg\n", **files}))
    assert found.chosen
    assert found.chosen.kernel == ""
    assert found.unread == (
        "boot/grub2/grub.cfg: not GRUB's syntax near '| y \\n \\n', in a text that it "
        "makes and runs",
    )


# --- without a grub.cfg

TWO = {
    f"boot/loader/entries/{MACHINE}-{version}.conf": (
        f"linux /vmlinuz-{version}\noptions $kernelopts quiet\n"
    )
    for version in ("5.14.0-1.el9", "5.14.0-2.el9")
}
BLOCK = {
    "boot/grub2/grubenv": "# GRUB Environment Block\nkernelopts=root=/dev/sda1 ro\n"
}
SIGNS = (
    "etc/redhat-release",
    "etc/default/grub",
    "etc/zipl.conf",
    "boot/efi/EFI/redhat/grubx64.efi",
)


@pytest.mark.parametrize("sign", SIGNS)
def test_entries_that_wait_for_a_grub_cfg_choose_none(sign: str) -> None:
    (found,) = read(Files({**TWO, **BLOCK, sign: ""}))
    assert found.chosen is None
    assert [each.words for each in found.choices] == 2 * [
        ("root=/dev/sda1", "ro", "quiet")
    ]
    assert found.unread == (
        "boot/loader/entries: which of them boots, a grub.cfg says that is not in the "
        "tree",
    )
    assert [*read_by_systemd_boot(Files({**TWO, **BLOCK, sign: ""}))] == []


def test_a_line_that_only_a_grub_cfg_would_fill_in_is_not_taken() -> None:
    (found,) = read(Files({**TWO, "etc/redhat-release": ""}))
    assert (found.choices, len(found.unread)) == ((), 2)


def test_without_a_sign_of_grub_they_are_systemd_boot_s() -> None:
    assert [*read(Files(TWO))] == []
    assert [*read(Files({**TWO, "boot/loader/loader.conf": "", SIGNS[0]: ""}))] == []
    assert [*read(Files({"boot/loader/entries/kp-a.conf": "", SIGNS[0]: ""}))] == []
