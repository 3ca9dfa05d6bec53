"""Boot loader entries as GRUB's blscfg lists them, by its own variables."""

from collections.abc import Mapping

from kpstore.loaders.boot_entries import read_entries
from kpstore.loaders.listing import Listed
from support.filetree import Files

MACHINE = "4f1c0a9e7b2d4c6f8e0a1b2c3d4e5f60"


def listed(
    entries: Mapping[str, str], environment: Mapping[str, str] = {}
) -> list[Listed]:
    files = {f"boot/loader/entries/{name}.conf": text for name, text in entries.items()}
    return read_entries(Files(files), environment)


def only(text: str, environment: Mapping[str, str] = {}) -> Listed:
    (found,) = listed({"a": text}, environment)
    return found


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
    assert listed({"a": "title A\nefi /shell.efi\n"}) == []


def test_variables_are_filled_in() -> None:
    found = only(
        "title A\nlinux /vmlinuz\ninitrd /initramfs $tuned_initrd\n"
        "options $kernelopts ${tuned_params} quiet$nothing\n",
        {
            "kernelopts": "root=/dev/sda1 ro",
            "tuned_params": "isolcpus=1",
            "tuned_initrd": "/tuned",
        },
    )
    assert found.words == ("root=/dev/sda1", "ro", "isolcpus=1", "quiet")
    assert found.initrds == ("/initramfs", "/tuned")


def test_without_options_the_default_ones_count() -> None:
    default = {"default_kernelopts": "root=/dev/sda1"}
    assert only("linux /a\n", default).words == ("root=/dev/sda1",)
    assert only("linux /a\noptions ro\n", default).words == ("ro",)


def test_of_repeated_options_the_first_counts_and_initrds_add_up() -> None:
    found = only("linux /a\noptions a\noptions b\ninitrd /x\ninitrd /y\n")
    assert (found.words, found.initrds) == (("a",), ("/x", "/y"))


def test_early_initrds_come_first_beside_the_others() -> None:
    early = {"early_initrd": "microcode.img acpi.img"}
    found = only("linux /boot/vmlinuz\ninitrd /boot/m/initramfs\n", early)
    first = ("/boot/m/microcode.img", "/boot/m/acpi.img")
    assert found.initrds == (*first, "/boot/m/initramfs")
    alone = only("linux /boot/vmlinuz\n", early)
    assert alone.initrds == ("/boot/microcode.img", "/boot/acpi.img")


def test_an_entry_s_title_is_its_kernel_where_it_has_none() -> None:
    assert only("linux /a\n").title == "/a"
