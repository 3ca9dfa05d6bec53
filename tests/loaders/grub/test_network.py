import pytest

from kpstore.errors import InvalidInput
from kpstore.loaders.grub import network
from kpstore.loaders.grub.script import commands
from kpstore.loaders.menu import LOCAL_DISK, Disk, Linux, Menu

KERNEL = "/kp/objects/" + "0a" * 32 + "/vmlinuz"
INITRD = "/kp/objects/" + "1b" * 32 + "/initrd.img"
MENU = Menu("web/a", Linux(KERNEL, (INITRD,), ("a={node.index}", "x=a b")))
TEXT = network.write_menu(MENU).decode()


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("quiet", "'quiet'"),
        ("x=a b;c", "'x=a b;c'"),
        ("a={node.index}", "'a='\"$kp_index\""),
        ("a={node.var.r}-{node.mac}z", "'a='\"$kp_var_r\"'-'\"$kp_mac\"'z'"),
        ("", "''"),
    ],
)
def test_a_token_is_one_word(token: str, word: str):
    assert network.quoted(token) == word
    assert commands(f"linux {word}") == [["linux", token]]


def test_what_it_adds_was_seen_in_a_guest():
    expected = f"BOOT_IMAGE={KERNEL}  BOOTIF=01-00:00:00:00:00:00"
    assert network.added(MENU.boot) == expected


def test_the_policy_looks_for_the_node_s_entry_point_once():
    words = [
        word
        for command in commands(network.write_menu(LOCAL_DISK).decode())
        for word in command
    ]
    assert words[:4] == ["[", "-z", "{kp_sought}", "]"]
    assert words.count("configfile") == 1


def test_an_entry_on_the_disk_does_not_look_for_itself():
    assert b"configfile" not in network.write_menu(Menu("web/a", Disk()))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    boot\n", "    boot\n    reboot\n"),
        ("    boot\n", ""),
        ("  sleep 5\n", ""),
        ("in 1 2 3 4 5 6;", "in 1 2 3 4 5;"),
        ("reboot\n", ""),
        ("echo 'kp: web/a'\n", ""),
        ("echo 'kp: web/a'\n", "echo 'kp: web/a'\nset root='hd0'\n"),
        ("'x=a b'", "'x=a b' 'y={node.index}'"),
        ("'x=a b'", "x={node.index}"),
        ("'x=a b'", "'BOOTIF=mine'"),
        (" 'BOOTIF=01-'\"$net_default_mac\"", ""),
        ("'x=a b'", "'x=a b'; reboot"),
        ("'x=a b'", "x=`id`"),
        ("'x=a b'", "'x=a b"),
        ("'x=a b'", "x=a\\ b"),
        ("if linux", "if initrd"),
    ],
)
def test_the_reader_refuses_another_s_menu(old: str, new: str):
    assert old in TEXT
    with pytest.raises(InvalidInput):
        network.read_menu(TEXT.replace(old, new).encode())


def test_the_reader_refuses_an_empty_file():
    with pytest.raises(InvalidInput):
        network.read_menu(b"# nothing\n")


def test_the_reader_sees_every_change_of_content():
    for old, new in [("'x=a b'", "x=a b"), ("$kp_index", "$kp_name"), ("1b1b", "1c1c")]:
        assert network.read_menu(TEXT.replace(old, new).encode()) != MENU


@pytest.mark.parametrize("text", ["", "set kp_index='17'\n", "reboot\n"])
def test_a_node_s_file_goes_on_to_a_menu(text: str):
    with pytest.raises(InvalidInput, match="does not go on to a menu"):
        network.read_node(text.encode())
