"""The exact bytes that loaders are given; tests/system/test_menus.py boots their like.

A change here changes every menu of every site at its next publish: look at it twice.
"""

import pytest

from kpstore.loaders.bls import disk as bls
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.grub import network as grub
from kpstore.loaders.ipxe import network as ipxe
from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu
from kpstore.loaders.syslinux import extlinux, pxelinux
from support.sources import ROOT

GOLDEN = {path.name: path for path in (ROOT / "fixtures/loaders").glob("*/golden/*")}
OBJECTS = "/kp/objects/"
NETWORK = Menu(
    "web/production",
    Linux(
        OBJECTS + "0a" * 32 + "/vmlinuz",
        (OBJECTS + "1b" * 32 + "/initrd.img", OBJECTS + "2c" * 32 + "/initrd.img"),
        (
            "root=/dev/sda1",
            "panic=10",
            "dyndbg=module foo +p ; module bar +p",
            "memmap=1G$4G",
            "x=a;b&c|d<e>f#g*h?",
        ),
    ),
)
TEMPLATE = Menu(
    "web/production",
    Linux(
        NETWORK.boot.kernel,
        NETWORK.boot.initrds[:1],
        ("node_id={node.index}", "where=rack {node.var.rack} here", "quiet"),
    ),
)
VALUES = {"index": "17", "var.rack": "r1"}
LOCAL = {
    "1": Menu("web/1", Linux("/boot/kp/0a0a0a0a0a0a/vmlinuz", (), ("quiet",))),
    "production": Menu(
        "web/production",
        Linux(
            "/boot/kp/0a0a0a0a0a0a/vmlinuz",
            ("/boot/kp/1b1b1b1b1b1b/initrd.img", "/boot/kp/2c2c2c2c2c2c/initrd.img"),
            ("root=/dev/sda1", "dyndbg=module foo +p"),
        ),
    ),
}
FILES = {
    "menu.pxelinux": lambda: pxelinux.write_menu(NETWORK),
    "menu.grub": lambda: grub.write_menu(NETWORK),
    "menu.ipxe": lambda: ipxe.write_menu(NETWORK),
    "template.grub": lambda: grub.write_menu(TEMPLATE),
    "template.ipxe": lambda: ipxe.write_menu(TEMPLATE),
    "node.pxelinux": lambda: pxelinux.write_node(TEMPLATE, VALUES, "/kp/live/t/x"),
    "node.grub": lambda: grub.write_node(TEMPLATE, VALUES, "/kp/live/t/grub"),
    "node.ipxe": lambda: ipxe.write_node(TEMPLATE, VALUES, "/kp/live/t/ipxe"),
    "policy.pxelinux": lambda: pxelinux.write_menu(LOCAL_DISK),
    "policy.grub": lambda: grub.write_menu(LOCAL_DISK),
    "policy.ipxe": lambda: ipxe.write_menu(LOCAL_DISK),
    "boot.ipxe": lambda: ipxe.write_default("srv/a"),
    "grub.cfg": lambda: grubcfg.write_config(LOCAL, "1"),
    "extlinux.conf": lambda: extlinux.write_config(LOCAL, "1"),
    "kp-production.conf": lambda: bls.write_entry("production", LOCAL["production"])[1],
    "loader.conf": lambda: bls.write_loader_conf("production"),
}


@pytest.mark.parametrize("name", FILES)
def test_golden_file(name: str):
    assert FILES[name]().decode() == GOLDEN[name].read_text("ascii")


def test_every_golden_file_is_looked_at():
    assert set(GOLDEN) == set(FILES)
