"""What holds for every loader that comes over the network, and for every disk's."""

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders import registry
from kpstore.loaders.bls import disk as bls
from kpstore.loaders.grub import disk as grubcfg
from kpstore.loaders.grub import network as grub
from kpstore.loaders.ipxe import network as ipxe
from kpstore.loaders.menu import POLICY, Disk, Linux, Menu, Xen
from kpstore.loaders.syslinux import pxelinux
from support import strategies

PATH = "/kp/objects/" + "ab" * 32 + "/vmlinuz"
NODE_MENU = "/kp/live/web~0123456789ab/menu"
network = pytest.mark.parametrize("loader", sorted(registry.NETWORK))
filling = pytest.mark.parametrize("dialect", [grub, ipxe], ids=["grub", "ipxe"])


def menu(*params: str, title: str = "web/production", kernel: str = PATH) -> Menu:
    return Menu(title, Linux(kernel, (), params))


def written(dialect: ModuleType, given: Menu) -> bytes:
    data: bytes = dialect.write_menu(given)
    return data


WRITERS: dict[str, Callable[[Menu], object]] = {
    "pxelinux": pxelinux.write_menu,
    "pxelinux node": lambda m: pxelinux.write_node(m, {}, NODE_MENU),
    "grub": grub.write_menu,
    "grub node": lambda m: grub.write_node(m, {}, NODE_MENU),
    "ipxe": ipxe.write_menu,
    "ipxe node": lambda m: ipxe.write_node(m, {}, NODE_MENU),
    "grub.cfg": lambda m: grubcfg.write_config({"a": m}, "a"),
    "bls": lambda m: bls.write_entry("a", m),
}


@network
@given(data=st.data())
def test_a_menu_is_read_as_it_was_meant(loader: str, data: st.DataObject):
    token = strategies.plain_tokens() if loader == "pxelinux" else strategies.tokens()
    meant = data.draw(strategies.menus(token))
    dialect = registry.network(loader)
    assert dialect.read_menu(dialect.write_menu(meant)) == meant


@given(data=st.data())
def test_pxelinux_gives_a_node_what_its_variables_say(data: st.DataObject):
    meant = data.draw(strategies.menus(strategies.tokens()))
    values = data.draw(strategies.values_for(meant))
    found = pxelinux.read_menu(pxelinux.write_node(meant, values, NODE_MENU))
    assert found == Menu(meant.title, meant.boot.filled(values))


@filling
@given(data=st.data())
def test_a_node_s_own_file_sets_its_values_and_goes_on(
    dialect: ModuleType, data: st.DataObject
):
    meant = data.draw(strategies.menus(strategies.tokens()))
    values = data.draw(strategies.values_for(meant))
    file = dialect.write_node(meant, values, NODE_MENU)
    assert dialect.read_node(file) == (values, NODE_MENU)


@network
def test_the_policy_is_the_local_disk(loader: str):
    dialect = registry.network(loader)
    assert dialect.read_menu(dialect.write_menu(POLICY)) == POLICY
    other = Menu("web/on-disk", Disk())
    assert dialect.read_menu(dialect.write_menu(other)) == other


@network
def test_an_own_bootif_goes_before_the_loader_s(loader: str):
    dialect = registry.network(loader)
    plain = dialect.write_menu(menu("quiet"))
    own = dialect.write_menu(menu("quiet", "BOOTIF=01-02-03-04-05-06-07"))
    assert (b"IPAPPEND" in plain) == (loader == "pxelinux")
    assert plain.count(b"BOOTIF=") == (loader != "pxelinux")
    assert own.count(b"BOOTIF=") == 1
    assert b"IPAPPEND" not in own


HOSTILE = [
    "a\nb",
    "a=b\nreboot",
    "a=${net0/mac}",
    "a={node.index",
    "a={node.secret}",
    "a='b'",
    'a="b',
    "a=`id`",
    "a=b\\",
    "a=$(id)",
    "a=b\0",
    "a=b\r",
    "a=é",
    "a=b\t",
    "a=b ",
    "a=b  c",
    "a=b && reboot",
    "a=b || reboot",
    "a=b #c",
    "",
    " ",
    "a b",
    "--",
    "-x",
    "#x",
    "; reboot",
    "a=b\n",
]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("token", HOSTILE)
def test_no_writer_writes_what_the_grammar_forbids(writer: str, token: str):
    with pytest.raises(InvalidInput, match="kernel parameter"):
        WRITERS[writer](menu("quiet", token))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("token", ["initrd=/evil", "BOOT_IMAGE=x", "initrd"])
def test_no_writer_writes_what_the_loader_is_to_set(writer: str, token: str):
    with pytest.raises(InvalidInput, match="for the loader to set"):
        WRITERS[writer](menu(token))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "title", ["", " ", "a  b", "a\nb", "a'b", "${x}", "a;b", "a ", "-n", "a\n", "#"]
)
def test_no_writer_writes_a_hostile_title(writer: str, title: str):
    with pytest.raises(InvalidInput, match="title"):
        WRITERS[writer](menu(title=title))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "path",
    [
        "",
        "vmlinuz",
        "/a b",
        "/a/../b",
        "/..",
        "/a,b",
        "/a\n",
        "/a'b",
        "//a",
        "/a/",
        "/.",
    ],
)
def test_no_writer_writes_a_hostile_path(writer: str, path: str):
    with pytest.raises(InvalidInput, match="path"):
        WRITERS[writer](menu(kernel=path))


@pytest.mark.parametrize("writer", WRITERS)
def test_no_writer_writes_xen_yet(writer: str):
    boot = Linux(PATH, (), (), Xen("/kp/xen.gz", ("dom0_mem=1G",)))
    with pytest.raises(Refused, match="Xen"):
        WRITERS[writer](Menu("web/xen", boot))


@network
@pytest.mark.parametrize(
    "value", ["a b", "a\n", "'", '"', "$x", "{", "`", "\\", "é", "#"]
)
def test_no_writer_writes_a_hostile_value(loader: str, value: str):
    with pytest.raises(InvalidInput, match="node variable index"):
        registry.network(loader).write_node(
            menu("id={node.index}"), {"index": value}, NODE_MENU
        )


@network
@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\xff\xfe", "é".encode(), b"\0", b"#!ipxe\n", b"x" * 9999]
)
def test_no_reader_fails_on_foreign_bytes(loader: str, data: bytes):
    with pytest.raises(InvalidInput):
        registry.network(loader).read_menu(data)


@filling
@pytest.mark.parametrize("path", ["/a b", "/a\nreboot", "relative", "/a/../b", "/a'"])
def test_a_node_s_file_goes_on_to_plain_paths_only(dialect: ModuleType, path: str):
    with pytest.raises(InvalidInput, match="path"):
        dialect.write_node(menu(), {}, path)


@pytest.mark.parametrize("name", ["elilo", "extlinux", "systemconfig", "lilo", ""])
def test_other_loaders_are_refused_by_name(name: str):
    for find in (registry.network, registry.disk):
        with pytest.raises(Refused, match=f"'{name}' is not yet"):
            find(name)


def test_bls_is_no_network_loader_and_ipxe_no_local_one():
    with pytest.raises(Refused, match="'bls' is not yet written for on a TFTP target"):
        registry.network("bls")
    with pytest.raises(Refused, match="'ipxe' is not yet written for on an image tree"):
        registry.disk("ipxe")
