import pytest

from kpstore.errors import InvalidInput
from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu
from kpstore.loaders.syslinux import pxelinux

KERNEL = "/kp/objects/" + "0a" * 32 + "/vmlinuz"
INITRD = "/kp/objects/" + "1b" * 32 + "/initrd.img"
MENU = Menu("web/a", Linux(KERNEL, (INITRD,), ("root=/dev/sda1", "quiet")))
TEXT = pxelinux.write_menu(MENU).decode()


def test_node_variables_need_a_node():
    menu = Menu("web/a", Linux(KERNEL, (), ("a={node.index}", "b={node.var.r}")))
    with pytest.raises(InvalidInput, match=r"can't fill in index, var\.r"):
        pxelinux.write_menu(menu)


def test_a_node_without_a_value_gets_no_menu():
    menu = Menu("web/a", Linux(KERNEL, (), ("a={node.index}",)))
    with pytest.raises(InvalidInput, match="index has no value"):
        pxelinux.write_node(menu, {}, "/unused")


def test_an_empty_value_leaves_the_rest_as_it_is():
    menu = Menu("web/a", Linux(KERNEL, (), ("a={node.var.r}", "b=x {node.var.r} y")))
    text = pxelinux.write_node(menu, {"var.r": ""}, "/unused").decode()
    assert '  APPEND a= "b=x  y"\n' in text
    assert pxelinux.read_menu(text.encode()).boot.params == ("a=", "b=x  y")


def test_what_it_adds_was_seen_in_a_guest():
    # /proc/cmdline under QEMU: BOOT_IMAGE=... <parameters> initrd=... BOOTIF=...
    assert pxelinux.added(MENU.boot) == (
        f"BOOT_IMAGE={KERNEL}  initrd={INITRD} BOOTIF=01-00-00-00-00-00-00"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DEFAULT kp", "DEFAULT other"),
        ("PROMPT 0", "PROMPT 1"),
        ("PROMPT 0\n", ""),
        ("LABEL kp\n", ""),
        ("  IPAPPEND 2\n", ""),
        ("  IPAPPEND 2\n", "  IPAPPEND 3\n"),
        ("LABEL kp\n", "LABEL kp\nONERROR reboot\n"),
        ("LABEL kp\n", "LABEL kp\nAPPEND single\n"),
        ("quiet", "quiet BOOTIF=mine"),
        ("quiet", "a={node.index}"),
    ],
)
def test_the_reader_refuses_another_s_menu(old: str, new: str):
    assert old in TEXT
    with pytest.raises(InvalidInput):
        pxelinux.read_menu(TEXT.replace(old, new).encode())


def test_the_reader_sees_every_change_of_content():
    for old, new in [("quiet", "debug"), ("1b1b", "1c1c"), ("0a/v", "0b/v")]:
        assert pxelinux.read_menu(TEXT.replace(old, new).encode()) != MENU


def test_the_reader_refuses_another_way_to_the_disk():
    text = pxelinux.write_menu(LOCAL_DISK).decode()
    with pytest.raises(InvalidInput, match="LOCALBOOT"):
        pxelinux.read_menu(text.replace("LOCALBOOT 0", "LOCALBOOT 0x80").encode())
