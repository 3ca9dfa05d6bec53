"""kp's extlinux.conf; what every disk's loader fulfils is in test_contract.py."""

import pytest

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.contract import LINE
from kpstore.loaders.menu import Linux, Menu, TreeOptions
from kpstore.loaders.syslinux import extlinux

KERNEL = "/boot/kp/0a0a0a0a0a0a/vmlinuz"
INITRD = "/boot/kp/1b1b1b1b1b1b/initrd.img"
PATH = "boot/extlinux/extlinux.conf"
TREE = TreeOptions()


def menu(*params: str, kernel: str = KERNEL, initrds: tuple[str, ...] = ()) -> Menu:
    return Menu("web/a", Linux(kernel, initrds, params))


def written(one: Menu) -> str:
    return extlinux.write_config({"a": one}, "a").decode()


def test_one_file_is_all_and_the_switch():
    files, switch = extlinux.files({"a": menu()}, "a", TREE)
    assert list(files) == [switch] == [PATH]


def test_paths_count_from_its_folder_whatever_file_system_boot_is():
    text = written(menu(initrds=(INITRD, INITRD)))
    assert "  LINUX ../kp/0a0a0a0a0a0a/vmlinuz\n" in text
    one = "../kp/1b1b1b1b1b1b/initrd.img"
    assert f"  INITRD {one},{one}\n" in text


@pytest.mark.parametrize(
    "boot",
    [
        Linux("/kp/objects/x/vmlinuz"),
        Linux(KERNEL, ("/lib/initrd.img",)),
        Linux("/bootkp/vmlinuz"),
    ],
)
def test_files_lie_where_kp_keeps_them(boot: Linux):
    with pytest.raises(InvalidInput, match="not all below /boot/"):
        written(Menu("web/a", boot))


@pytest.mark.parametrize("initrds", [(), (INITRD,), (INITRD, INITRD, INITRD)])
def test_a_line_counts_with_what_the_loader_adds(initrds: tuple[str, ...]):
    """EXTLINUX names kernel and initrds to the kernel, and stops at a longer line."""
    names = ",".join("../kp/1b1b1b1b1b1b/initrd.img" for _ in initrds)
    own = f"BOOT_IMAGE=../kp/0a0a0a0a0a0a/vmlinuz initrd={names} "
    room = LINE - len(own)
    written(menu("x" * room, initrds=initrds))
    with pytest.raises(Refused, match=r"web/a: with .* is 2,047 bytes long, 2,046"):
        written(menu("x" * (room + 1), initrds=initrds))


def test_a_parameter_that_u_boot_would_take_for_an_initrd():
    """Its pxe_utils.c looks for `initrd=` anywhere where no INITRD was said."""
    assert "noinitrd=1" in written(menu("noinitrd=1", initrds=(INITRD,)))
    with pytest.raises(Refused, match="U-Boot would take"):
        written(menu("noinitrd=1"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TIMEOUT 50\n", ""),
        ("PROMPT 1\n", "PROMPT 1\nUI menu.c32\n"),
        ("LABEL kp-a", "LABEL a"),
        ("DEFAULT kp-a", "DEFAULT kp-b"),
        ("LINUX ../kp/", "LINUX ../../boot/kp/"),
        ("APPEND quiet", "APPEND quiet \n  FDTDIR /dtbs"),
        ("LINUX", "KERNEL"),
        ("LABEL kp-a\n", "LABEL kp-a\nLABEL kp-a\n"),
        ("quiet", "reboot's"),
    ],
)
def test_the_reader_refuses_another_s_file(old: str, new: str):
    text = written(menu("quiet"))
    assert extlinux.read({PATH: text.encode()}, TREE) == ({"a": menu("quiet")}, "a")
    assert old in text
    with pytest.raises(InvalidInput):
        extlinux.read({PATH: text.replace(old, new).encode()}, TREE)
