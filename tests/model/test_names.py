"""The grammars: what may be a name, an address, a parameter."""

import re

import pytest
from pydantic import ValidationError

from kpstore.errors import InvalidInput
from kpstore.model import names
from kpstore.model.documents import Image, Node

GOOD = [
    "quiet",
    "root=/dev/sda1",
    "memmap=1G$4G",
    "dyndbg=module foo +p; x",
    "node_id={node.index}",
    "rack={node.var.rack}-x",
    "console=ttyS0,115200n8",
    "empty=",
    "acpi_osi=!",
    "rd.lvm.lv=vg/root",
    "--",
    "---",
]
BAD = [
    "",
    "-",
    "----",
    "--=x",
    "--x",
    "=x",
    " a",
    "a=b ",
    "a=${x}",
    "a=b\nc",
    "a=b\n",
    "a='b'",
    'a="b"',
    "a=b  c",
    "a=b #c",
    "a=x && y",
    "a=x || y",
    "a={foo}",
    "a=${node.index}",
    "a=`x`",
    "a=b\\c",
    "a=\x00",
    "a=\u202e",
    "{node.index}=1",
]


@pytest.mark.parametrize("token", GOOD)
def test_parameters_that_administrators_use(token: str) -> None:
    assert Image(arch="x86_64", params=(token,)).params == (token,)
    assert re.fullmatch(names.PARAMETER, token)


@pytest.mark.parametrize("token", BAD)
def test_nothing_that_could_be_loader_syntax_is_a_parameter(token: str) -> None:
    with pytest.raises(ValueError, match="params"):
        Image(arch="x86_64", params=(token,))


@pytest.mark.parametrize(
    "text", ["AA-bb-CC-00-11-22", "aabbcc001122", "aa:bb:cc:00:11:22"]
)
def test_macs_are_parsed_and_written_anew(text: str) -> None:
    assert names.parse_mac(text) == "aa:bb:cc:00:11:22"


@pytest.mark.parametrize(
    "text",
    ["", "aa:bb", "01:00:5e:00:00:01", "gg:bb:cc:00:11:22", "aa:bb:cc:00:11:22\n"],
)
def test_what_no_card_has_is_no_mac(text: str) -> None:
    with pytest.raises(InvalidInput):
        names.parse_mac(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("10.0.0.1", "10.0.0.1"), ("2001:DB8:0::1", "2001:db8::1")],
)
def test_addresses_have_one_form(text: str, canonical: str) -> None:
    assert names.parse_ip(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.01", "10.0.0", "10.0.0.256", "10.0.0.1\n", "x"),
        *("fe80::1%eth0", "fe80::1%", "fe80::1%\nx", "fe80::1%$(id)", "10.0.0.1%a"),
        *("fe80::/64", "[fe80::1]", "1" * 5000),
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        names.parse_ip(text)
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("fe80::1", True),
        ("fe80::1%eth0", True),  # an older kp took it
        ("fe80::1%eth0 x", False),
        ("fe80::1%\n", False),
        ("fe80::1%", False),
        ("FE80::1", False),
        ("10.0.0.1%eth0", False),
        ("x", False),
    ],
)
def test_the_addresses_of_a_document(text: str, readable: bool) -> None:
    if readable:
        assert Node(name="n1", ips=(text,)).ips == (text,)
        return
    with pytest.raises(ValidationError):
        Node(name="n1", ips=(text,))


def test_a_missing_name_comes_with_the_nearest() -> None:
    assert names.missing("image", "wbe", ["web", "gpu"]).hint == "did you mean 'web'?"
    assert names.missing("image", "zzz", ["web", "gpu"]).hint == "there are gpu, web"
    many = [f"n{number}" for number in range(9)]
    listed = "there are n0, n1, n2, n3, n4, n5, …"
    assert names.missing("node", "zzz", many).hint == listed
    assert names.missing("image", "zzz", []).hint == "there is no image yet"


@pytest.mark.parametrize("name", ["", ".", "-a", "a/b", "a b", "a" * 65, "é", "a\n"])
def test_names_outside_the_allow_list(name: str) -> None:
    with pytest.raises(InvalidInput):
        names.check_name(name, "image")
    with pytest.raises(InvalidInput):
        names.check_node_name(name)


def test_node_names_are_lower_case() -> None:
    assert names.check_node_name("n001.rack-2") == "n001.rack-2"
    with pytest.raises(InvalidInput):
        names.check_node_name("N1")
