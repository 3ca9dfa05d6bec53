import pytest

from kpstore.errors import InvalidInput
from kpstore.loaders.ipxe import network
from kpstore.loaders.menu import Linux, Menu

KERNEL = "/kp/objects/" + "0a" * 32 + "/vmlinuz"
INITRD = "/kp/objects/" + "1b" * 32 + "/initrd.img"
MENU = Menu("web/a", Linux(KERNEL, (INITRD,), ("a={node.index}", "x=a ; b")))
TEXT = network.write_menu(MENU).decode()


def kernel_line(*params: str) -> str:
    menu = Menu("web/a", Linux(KERNEL, (), (*params, "BOOTIF=x")))
    (line,) = (
        line
        for line in network.write_menu(menu).decode().splitlines()
        if line.startswith("kernel ")
    )
    return line.removeprefix(f"kernel {KERNEL} ").removesuffix(
        " BOOTIF=x || goto again"
    )


def test_a_semicolon_of_its_own_hides_behind_nothing():
    assert kernel_line("x=a ; b") == '"x=a ;${kp} b"'
    assert kernel_line("x=; ; ;c ; d;") == '"x=; ;${kp} ;c ;${kp} d;"'
    assert kernel_line("x=;", "y=a;b") == "x=; y=a;b"


def test_node_variables_are_expanded_by_ipxe():
    assert kernel_line("a={node.var.r}-{node.mac}") == "a=${kp_var_r}-${kp_mac}"


def test_a_kernel_on_uefi_is_told_its_initrds_by_name():
    menu = Menu("web/a", Linux(KERNEL, (INITRD, INITRD, INITRD)))
    text = network.write_menu(menu).decode()
    names = ["initrd.img", "initrd-1.img", "initrd-2.img"]
    assert " ".join(f"initrd={name}" for name in names) in text
    for name in names:
        assert f"initrd --name {name} {INITRD} || goto again\n" in text


def test_what_it_adds_was_seen_in_a_guest():
    expected = "vmlinuz  initrd=initrd.img BOOTIF=01-00-00-00-00-00-00"
    assert network.added(MENU.boot) == expected


@pytest.mark.parametrize(("prefix", "folder"), [("", "/ipxe/"), ("a/b", "/a/b/ipxe/")])
def test_the_boot_script_asks_for_the_card_in_use_first(prefix: str, folder: str):
    lines = network.write_default(prefix).decode().splitlines()
    assert lines[0] == "#!ipxe"
    first = f"chain {folder}01-${{netX/mac:hexhyp}}.ipxe && exit ||"
    assert lines[4].endswith(first)
    assert lines[-1] == "exit"


@pytest.mark.parametrize("prefix", ["a b", "a\nreboot", "..", "${net0/ip}"])
def test_the_boot_script_takes_no_hostile_prefix(prefix: str):
    with pytest.raises(InvalidInput, match="path"):
        network.write_default(prefix)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("#!ipxe\n", ""),
        ("imgfree\n", ""),
        ("boot ||", "boot &&"),
        ("boot || goto failed\n", "boot || goto failed\nshell\n"),
        ("boot || goto failed\n", "boot || goto again\n"),
        ("sleep 5\n", ""),
        (" 6 && goto failed", " 7 && goto failed"),
        (":vmlinuz\n", ":initrd.img\n"),
        ("set kp_fetch initrd.img\n", ""),
        ("reboot\n", "shell\n"),
        (" initrd=initrd.img", ""),
        (" BOOTIF=01-${netX/mac:hexhyp}", ""),
        ("--name initrd.img", "--name other.img"),
        ("--name initrd.img ", ""),
        (";${kp}", ";"),
        (";${kp}", "&&"),
        (";${kp}", "# "),
        ("${kp_index}", "{node.index}"),
        ("${kp_index}", "${kp_index"),
    ],
)
def test_the_reader_refuses_another_s_menu(old: str, new: str):
    assert old in TEXT
    with pytest.raises(InvalidInput):
        network.read_menu(TEXT.replace(old, new).encode())


def test_the_reader_sees_every_change_of_content():
    for old, new in [("${kp_index}", "${kp_name}"), ("x=a", "x=b"), ("1b1b", "1c1c")]:
        assert network.read_menu(TEXT.replace(old, new).encode()) != MENU


@pytest.mark.parametrize(
    "text", ["#!ipxe\n", "#!ipxe\nset kp_index 1\n", "#!ipxe\nx\n"]
)
def test_a_node_s_file_goes_on_to_a_menu(text: str):
    with pytest.raises(InvalidInput, match="does not go on to a menu"):
        network.read_node(text.encode())
