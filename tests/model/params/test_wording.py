"""Changing what a layer says, token by token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.model.params.layers import Layer
from kpstore.model.params.rules import Rules
from kpstore.model.params.tokens import compose, says, split
from kpstore.model.params.wording import Tokens, Worded, reworded


def change(line: str, table: int = 2, **tokens: str) -> Worded:
    layer = Layer("node n1", split(line))
    wanted = {name: split(each) for name, each in tokens.items()}
    return reworded(layer, Tokens(**wanted), Rules(table, ("console",)))  # type: ignore[typeddict-item]  # names are


@pytest.mark.parametrize(
    ("line", "added", "result", "notes"),
    [
        ("root=a ro", "root=b", "root=b ro", ["root=a gave way to root=b"]),
        ("root=a ro", "root=a", "root=a ro", []),
        ("ro", "rw", "rw", ["ro gave way to rw"]),
        ("ro console=tty0 x", "console=ttyS0", "ro console=tty0 x console=ttyS0", []),
        ("console=tty0 console=ttyS0", "console=tty0", None, []),
        (
            "console=ttyS0,9600 x",
            "console=ttyS0,115200",
            "x console=ttyS0,115200",
            ["console=ttyS0,9600 gave way to console=ttyS0,115200"],
        ),
        ("rd.lvm.lv=a x --- y -- z", "rd.lvm.lv=b w", None, []),
        ("", "crashkernel=1,high crashkernel=2,low", "crashkernel=1,high "
         "crashkernel=2,low", []),
        ("crashkernel=1,high crashkernel=2,low",
         "crashkernel=1,high crashkernel=2,low", None, []),
        ("", "hugepagesz=2M hugepages=4 hugepagesz=1G hugepages=4",
         "hugepagesz=2M hugepages=4 hugepagesz=1G hugepages=4", []),
        ("quiet", "quiet quiet", "quiet", []),
        ("x", "--", "x --", []),
        ("x -- y", "-- z", "x z -- y", []),
    ],
)  # fmt: skip
def test_what_is_added_is_said_then(
    line: str, added: str, result: str | None, notes: list[str]
) -> None:
    worded = change(line, add_params=added)
    if "---" in line:
        result = "rd.lvm.lv=a x rd.lvm.lv=b w --- y -- z"
    assert compose(worded.layer.params) == (line if result is None else result)
    assert worded.notes == notes
    again = reworded(worded.layer, Tokens(add_params=split(added)), Rules(2))
    assert again.layer == worded.layer


@pytest.mark.parametrize("table", [1, 2])
@pytest.mark.parametrize(
    "added",
    [
        "console=tty0 quiet console=ttyS0,115200 root=/dev/a",
        "rd.luks.uuid=a x rd.luks.uuid=b module_blacklist=x,y",
        "nameserver=10.0.0.1 ip=dhcp hugepagesz=1G hugepages=4 rw earlycon",
    ],
)
def test_what_is_added_stands_in_the_order_in_which_it_was_typed(
    table: int, added: str
) -> None:
    if table == 1:
        added = added.replace("rd.luks.uuid=a x ", "")
    assert compose(change("", table, add_params=added).layer.params) == added
    assert compose(change("a", table, add_params=added).layer.params) == f"a {added}"


def test_table_1_adds_where_keys_are_said_once() -> None:
    worded = change("root=a console=tty0", 1, add_params="root=b console=ttyS0")
    assert compose(worded.layer.params) == "root=b console=tty0 console=ttyS0"
    assert worded.notes == ["root=a gave way to root=b"]
    with pytest.raises(InvalidInput, match="'a' is given twice"):
        change("", 1, add_params="a=1 a=2")


@pytest.mark.parametrize(
    ("line", "appended", "result"),
    [
        ("root=a x", "root=b", "root=a root=b x"),
        ("console=tty0 x", "console=ttyS0", "console=tty0 console=ttyS0 x"),
        ("console=a console=b", "console=a", "console=a console=b console=a"),
        ("x --- y -- z", "w", "x w --- y -- z"),
        ("x", "x", "x"),
        ("x", "-- ---", "x --- --"),
        (
            "hugepagesz=2M hugepages=4",
            "hugepagesz=1G hugepages=4",
            "hugepagesz=2M hugepages=4 hugepagesz=1G hugepages=4",
        ),
    ],
)
def test_what_is_appended_comes_after_the_others(
    line: str, appended: str, result: str
) -> None:
    assert compose(change(line, append_params=appended).layer.params) == result


def test_what_is_removed_is_said_no_more_by_key_or_as_it_is() -> None:
    line = "console=tty0 a-b=1 console=ttyS0 quiet"
    worded = change(line, remove_params="console=tty0 a_b nothing quiet=1")
    assert compose(worded.layer.params) == "console=ttyS0 quiet"
    assert worded.unsaid == ["nothing", "quiet=1"]
    assert not change(line, remove_params="console").unsaid


def test_a_layer_is_without_what_it_takes_away_until_that_ends() -> None:
    worded = change("quiet", without_params="quiet splash quiet")
    assert worded.layer == Layer("node n1", ("quiet",), ("quiet", "splash"))
    assert (
        worded.notes == ["quiet is said here too, and stays: --remove-param quiet"] * 2
    )
    ended = reworded(worded.layer, Tokens(with_params=["quiet"]), Rules(2))
    assert ended.layer.without == ("splash",)
    with pytest.raises(InvalidInput, match="node n1 takes no 'quiet' away"):
        reworded(ended.layer, Tokens(with_params=["quiet"]), Rules(2))


def test_several_at_once_go_in_one_order() -> None:
    worded = change(
        "quiet root=a",
        add_params="console=ttyS0",
        append_params="root=b",
        remove_params="quiet",
        without_params="console",
    )
    params = ("root=a", "root=b", "console=ttyS0")
    assert worded.layer == Layer("node n1", params, ("console",))
    assert worded.notes == []


def test_what_a_loader_sets_is_not_added() -> None:
    with pytest.raises(InvalidInput, match="'initrd=/x' is for the loader to set"):
        change("", add_params="initrd=/x")


TOKENS = st.lists(
    st.sampled_from(
        split(
            "root=a root=b quiet ro rw console=tty0 console=ttyS0 console=ttyS0,9600 "
            "rd.lvm.lv=a rd.lvm.lv=b hugepagesz=1G hugepages=4 --- --"
        )
    ),
    max_size=6,
)


@given(TOKENS, TOKENS)
def test_every_token_added_is_said_and_what_went_is_named(
    line: list[str], added: list[str]
) -> None:
    layer = Layer("node n1", tuple(line))
    worded = reworded(layer, Tokens(add_params=added), Rules(2))
    said = worded.layer.params
    groups = Rules(2)
    last = {groups.row_of(t).keys or (t.split("=")[0],): t for t in added}
    assert {*last.values()} <= {*said}
    gone = [t for t in line if t not in said]
    assert all(
        any(note.startswith(f"{t} gave way") for note in worded.notes) for t in gone
    )


@given(TOKENS, TOKENS)
def test_what_is_removed_is_gone(line: list[str], removed: list[str]) -> None:
    worded = reworded(Layer("n", tuple(line)), Tokens(remove_params=removed), Rules(2))
    assert not any(says(t, each) for t in worded.layer.params for each in removed)
    assert {*worded.unsaid} == {*removed} - {*line}
