"""A CSV table of nodes: taken whole, or refused by line and column."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.inventory.contract import Imported
from kpstore.inventory.csv import read_nodes
from kpstore.model import bounds
from kpstore.model.documents import Node

MAC = "52:54:00:00:00:0"
LONG = 60  # seconds of the processor: what took the square of the size would take hours


def refused(text: str | bytes) -> str:
    with pytest.raises(InvalidInput) as refusal:
        read_nodes(text)
    return refusal.value.message


def test_every_column() -> None:
    text = f"""\
name,mac,ip,image,index,group,var.rack,var.console
n001,{MAC}1 52-54-00-00-01-01,10.0.0.1 FE80::0001,web,1,rack1 gpu,r1,ttyS0
n002,{MAC}2,,,,rack1,,
"""
    table = read_nodes(text, "base")
    assert table.nodes == [
        Node(
            name="n001",
            macs=(f"{MAC}1", "52:54:00:00:01:01"),
            ips=("10.0.0.1", "fe80::1"),
            image="web",
            index=1,
            vars={"rack": "r1", "console": "ttyS0"},
        ),
        Node(name="n002", macs=(f"{MAC}2",), image="base"),
    ]
    assert table.groups == {"rack1": ["n001", "n002"], "gpu": ["n001"]}


def test_columns_in_any_order_and_the_two_that_must_be() -> None:
    assert read_nodes(f"mac,name\n{MAC}1,n1\n").nodes == [
        Node(name="n1", macs=(f"{MAC}1",))
    ]
    assert (
        read_nodes(f"mac,image,name\n{MAC}1,web,n1\n", "base").nodes[0].image == "web"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"name,mac\r\nn1,{MAC}1\r\n",
        f"\ufeffname,mac\nn1,{MAC}1",
        f'"name","mac"\n"n1","{MAC}1"\n',
        f" name , mac\n n1 ,  {MAC}1 \n",
        f"name,mac\n\nn1,{MAC}1\n\n\n",
        "\nname,mac\nn1,525400000001\n",
    ],
)
def test_the_forms_that_spreadsheets_write(text: str) -> None:
    expected = Imported([Node(name="n1", macs=(f"{MAC}1",))])
    assert read_nodes(text) == expected
    assert read_nodes(text.encode()) == expected


SPREADSHEETS = {
    "cleared rows": "name,mac,ip\r\nn1,{mac},\r\n,,\r\n , \t,\r\n",
    "blanks in an empty line": "name,mac\nn1,{mac}\n   \n\u00a0\n",
    "quoted blanks": 'name,mac\n"",""\nn1,{mac}\n" ",\n',
    "columns at the end": "name,mac,,\r\nn1,{mac},,\r\n",
    "a column in the middle": "name,,mac\nn1,,{mac}\n",
    "a blank first line": ",,\nname,mac,\nn1,{mac},\n",
    "a mark at the start": "\ufeffname,mac\r\nn1,{mac}\r\n",
    "only carriage returns": "name,mac\rn1,{mac}\r",
    "blanks around names": "\u00a0name , mac\u00a0\nn1,{mac}\n",
    "no end": "name,mac\nn1,{mac}",
    "everything quoted": '"name","mac"\r\n"n1","{mac}"\r\n',
}


@pytest.mark.parametrize("text", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_what_spreadsheets_add_is_nothing(text: str) -> None:
    expected = [Node(name="n1", macs=(f"{MAC}1",))]
    assert read_nodes(text.format(mac=f"{MAC}1").encode()).nodes == expected


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (f"name,mac,\nn1,{MAC}1,x\n", "line 2, column 3: 'x' stands in a column"),
        (f"name,,mac\n\nn1,?,{MAC}1\n", "line 3, column 2: '?' stands in a column"),
        ("name;mac\nn1;x\n", "line 1: no column 'name;mac' is known"),
        ("name\tmac\nn1\tx\n", "line 1: no column 'name\\tmac' is known"),
        ("sep=,\nname,mac\n", "line 1: no column 'sep=' is known"),
        (f"name,mac,name\nn1,{MAC}1,n1\n", "line 1: column name comes twice"),
        (f"name,mac\nn\x001,{MAC}1\n", "line 2"),
        ("name,mac\n".encode("utf-16"), "line 1: not UTF-8"),
        ("name,mac\n".encode("utf-16-le"), "line 1: "),
        ("name,mac\n".encode("utf-16-be"), "line 1: "),
        (f'name,mac\nn1,"{MAC}1\n"x,y\n', "line 2: not CSV"),
        (f'name,mac\n"n\n1",{MAC}1\n', "line 2, column name: node 'n\\n1'"),
        (f"name,mac\nn1,{MAC}1\n,,,\nn2\n", "line 4: 1 cells"),
        ("name,mac,ip\nn1,52:54:00:00:00:01,fe80::1%eth0\n", "line 2, column ip"),
    ],
)
def test_what_can_t_be_read_is_refused_by_line(data: str | bytes, where: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_nodes(data)
    assert refusal.value.message.startswith(where)
    assert refusal.value.hint


def test_a_table_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TABLE", 100)
    with pytest.raises(InvalidInput, match="more than 100 bytes"):
        read_nodes(b"name,mac\n" * 12)


@pytest.mark.parametrize(
    ("cells", "where"),
    [
        ("N1,{mac},,,,", "line 3, column name: node 'N1'"),
        (",{mac},,,,", "line 3, column name: nothing is there"),
        ("n1,,,,,", "line 3, column mac: nothing is there"),
        ("n1,52:54,,,,", "line 3, column mac: '52:54' is not a MAC"),
        ("n1,{mac} x,,,,", "line 3, column mac: 'x' is not a MAC"),
        ("n1,01:00:5e:00:00:01,,,,", "line 3, column mac: MAC 01:00:5e:00:00:01"),
        ("n1,{mac},10.0.0.256,,,", "line 3, column ip: '10.0.0.256'"),
        ("n1,{mac},10.0.0.1/24,,,", "line 3, column ip: '10.0.0.1/24'"),
        ("n1,{mac},,we b,,", "line 3, column image: image 'we b'"),
        ("n1,{mac},,../x,,", "line 3, column image: image '../x'"),
        ("n1,{mac},,,-1,", "line 3, column index: '-1'"),
        ("n1,{mac},,,1.0,", "line 3, column index: '1.0'"),
        ("n1,{mac},,,\u0663,", "line 3, column index: '\u0663'"),
        ("n1,{mac},,,99999999999,", "line 3, column index: '99999999999'"),
        ("n1,{mac},,,,a$b", "line 3, column var.x: 'a$b'"),
        ("n1,{mac},,,,a b", "line 3, column var.x: 'a b'"),
        ("n1,{mac},,,,a\x00b", "line 3, column var.x: 'a\\x00b'"),
        ("n1,{mac},,,", "line 3: 5 cells, the header has 6"),
        ("n1,{mac},,,,,", "line 3: 7 cells, the header has 6"),
        ("#n1", "line 3: 1 cells, the header has 6"),
        ('n1,"{mac},,,,', "line 3: not CSV"),
        ('n1,"{mac}"x,,,,', "line 3: not CSV"),
        ('n1,{mac},,,,"a\nb"', "line 3, column var.x: 'a\\nb'"),
    ],
)
def test_a_bad_line_refuses_the_table(cells: str, where: str) -> None:
    header = f"name,mac,ip,image,index,var.x\nn0,{MAC}0,,,,\n"
    assert refused(header + cells.format(mac=f"{MAC}1") + "\n").startswith(where)


def test_lines_are_counted_as_an_editor_does() -> None:
    table = f'name,mac,var.x\n\nn1,{MAC}1,"\n"\n\nbad name,{MAC}2,x\n'
    assert refused(table).startswith("line 6, column name")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the table is empty"),
        ("\n\n", "the table is empty"),
        ("name\n", "line 1: column mac is missing"),
        ("mac,ip\n", "line 1: column name is missing"),
        (f"n1,{MAC}1\n", "line 1: no column 'n1' is known"),
        ("name;mac\n", "line 1: no column 'name;mac' is known"),
        ("name,mac,rack\n", "line 1: no column 'rack' is known"),
        ("name,mac,MAC\n", "line 1: no column 'MAC' is known"),
        ("name,mac,var.\n", "line 1: no column 'var.' is known"),
        ("name,mac,var.a-b\n", "line 1: no column 'var.a-b' is known"),
        ("name,mac,name\n", "line 1: column name comes twice"),
        ("name,mac,var.x, var.x\n", "line 1: column var.x comes twice"),
    ],
)
def test_the_header_must_be_right(text: str, message: str) -> None:
    assert refused(text).startswith(message)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("n1,{mac}2,10.0.0.2,web,2", "line 4, column name: n1 is on line 3"),
        ("n2,{mac}1,10.0.0.2,web,2", f"line 4, column mac: {MAC}1 is on line 3"),
        ("n2,52540000-0001,,,", "line 4, column mac"),
        ("n2,{mac}2 {mac}2,,,", f"line 4, column mac: {MAC}2 is on line 4"),
        ("n2,{mac}2,10.0.0.1,web,2", "line 4, column ip: 10.0.0.1 is on line 3"),
        ("n2,{mac}2,10.0.0.2,web,1", "line 4, column index: web/1 is on line 3"),
        ("n2,{mac}2,10.0.0.2,,01", "line 4, column index: web/1 is on line 3"),
    ],
)
def test_duplicates_are_named_with_both_lines(second: str, message: str) -> None:
    text = f"name,mac,ip,image,index\n\nn1,{MAC}1,10.0.0.1,,1\n{second}\n"
    with pytest.raises(InvalidInput) as refusal:
        read_nodes(text.format(mac=MAC), "web")
    assert refusal.value.message.startswith(message)


def test_an_index_is_an_images_own() -> None:
    text = f"name,mac,image,index\nn1,{MAC}1,web,1\nn2,{MAC}2,db,1\n"
    assert [node.index for node in read_nodes(text).nodes] == [1, 1]


@pytest.mark.parametrize("data", [b"name,mac\nn\xff,x\n", b"\xff\xfen\0a\0"])
def test_other_encodings_are_refused(data: bytes) -> None:
    assert "not UTF-8" in refused(data)


def test_the_line_of_a_bad_byte_is_named() -> None:
    data = f"name,mac\nn1,{MAC}1\nn2,\xe9\n".encode("latin-1")
    assert refused(data) == "line 3: not UTF-8"


@pytest.mark.parametrize(
    "text",
    [
        ",".join(["name", "mac", *(f"var.x{n}" for n in range(1_000_000))]),
        "," * 1_000_000,
        "name,mac\n" + "n" * 10_000_000 + ",x\n",
        "name,mac\nn1," + f"{MAC}1 " * 7000 + "\n",
        "name,mac\nn1," + " " * 100_000 + "\n",
        'name,mac\n"' + "\n" * 1_000_000,
        "name,mac\n" + "," * 100_000 + "\n",
    ],
)
def test_monstrous_tables_are_refused_soon(text: str) -> None:
    start = time.process_time()
    assert len(refused(text)) < 300
    assert time.process_time() - start < LONG


@given(
    st.lists(
        st.lists(st.text(max_size=8), max_size=4) | st.just(["n1", f"{MAC}1", "web"]),
        max_size=4,
    )
)
def test_any_cells_are_taken_or_refused(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([["name", "mac", "image"], *rows])
    try:
        table = read_nodes(out.getvalue())
    except InvalidInput:
        return
    assert all(Node.model_validate(node.model_dump()) == node for node in table.nodes)


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_empty(data: bytes) -> None:
    try:
        table = read_nodes(b"name,mac\n" + data)
    except InvalidInput:
        return
    assert table.nodes == []


@pytest.mark.slow
def test_a_hundred_thousand_nodes() -> None:
    lines = ["name,mac,ip,image,index,group,var.rack"]
    lines += [
        f"n{n:06d},52:54:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x},"
        f"10.{n >> 16}.{n >> 8 & 255}.{n & 255},web,{n},rack{n // 40} all,r{n // 40}"
        for n in range(100_000)
    ]
    start = time.process_time()
    table = read_nodes("\n".join(lines).encode())
    took = time.process_time() - start
    print(f"100,000 nodes in {took:.2f} s")
    assert len(table.nodes) == len(table.groups["all"]) == 100_000
    assert table.nodes[-1].ips == ("10.1.134.159",)
    assert took < LONG


def test_an_image_that_is_not_known_is_named_by_its_first_line() -> None:
    lines = ["name,mac,image"]
    lines += [f"n{n},02:00:00:00:01:0{n},{image}" for n, image in enumerate("web")]
    lines.append("n9,02:00:00:00:01:09,")
    table = read_nodes("\n".join(lines), "db")
    assert table.images == {
        image: f"line {line}, column image"
        for image, line in zip("web", (2, 3, 4), strict=True)
    }
    table.check_images({"w", "e", "b"})
    with pytest.raises(InvalidInput, match="line 3, column image: no image 'e' here"):
        table.check_images({"w", "b"})
