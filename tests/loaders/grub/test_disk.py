import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.loaders.grub import disk
from kpstore.loaders.menu import Linux, Menu, TreeOptions
from kpstore.model import names
from support import strategies

MENU = Menu("web/a", Linux("/boot/kp/0a0a0a0a0a0a/vmlinuz", (), ("quiet",)))
MENUS = st.dictionaries(
    strategies.matching(names.NAME),
    strategies.menus(strategies.plain_tokens(), "/boot/kp"),
    min_size=1,
    max_size=3,
)


@given(menus=MENUS, data=st.data())
def test_the_file_is_read_as_it_was_meant(menus: dict[str, Menu], data: st.DataObject):
    default = data.draw(st.sampled_from(sorted(menus)))
    assert disk.read_config(disk.write_config(menus, default)) == (menus, default)


def test_an_entry_named_like_a_number_is_not_taken_for_one():
    data = disk.write_config({"0": MENU, "1": MENU}, "1")
    assert b"set default='kp-1'\n" in data


def test_the_folder_is_the_distribution_s():
    files, switch = disk.files({"a": MENU}, "a", TreeOptions(grub_dir="grub2"))
    assert list(files) == [switch] == ["boot/grub2/grub.cfg"]


def test_the_default_is_in_the_menu():
    with pytest.raises(InvalidInput, match="default 'b' is not in the menu"):
        disk.write_config({"a": MENU}, "b")


@pytest.mark.parametrize("name", ["a b", "a'b", "", "-a", "a\n"])
def test_an_entry_has_a_name(name: str):
    with pytest.raises(InvalidInput, match="is not a name"):
        disk.write_config({name: MENU}, name)


@pytest.mark.parametrize(
    "boot",
    [
        Linux("/kp/objects/x/vmlinuz"),
        Linux("/boot/kp/x/vmlinuz", ("/lib/initrd.img",)),
        Linux("/boot/vmlinuz"),
    ],
)
def test_files_lie_where_kp_keeps_them(boot: Linux):
    with pytest.raises(InvalidInput, match="not all below /boot/kp"):
        disk.write_config({"a": Menu("web/a", boot)}, "a")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("set timeout=5\n", "set timeout=5\ninsmod evil\n"),
        ("linux", "initrd"),
        ("  linux", "  reboot\n  linux"),
        ("'quiet'", "'quiet'; reboot"),
        ("[ ! -d /boot/kp ]", "[ -d /boot/kp ]"),
        ("--id 'kp-a'", ""),
    ],
)
def test_the_reader_refuses_another_s_file(old: str, new: str):
    text = disk.write_config({"a": MENU}, "a").decode()
    assert old in text
    with pytest.raises(InvalidInput):
        disk.read_config(text.replace(old, new).encode())
