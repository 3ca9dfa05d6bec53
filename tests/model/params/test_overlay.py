"""Table 2: what each kind of key does when layers are laid over each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from histories.lines import merge as told
from kpstore.model.params.layers import Layer, Line, Replaced
from kpstore.model.params.rules import Rules
from kpstore.model.params.tokens import compose, split

NAMES = ("image web", "group rack", "node n1")


def laid(*lines: str) -> Line:
    named = zip(NAMES, lines, strict=False)
    return Rules(2).merge([Layer(name, split(line)) for name, line in named])


def text(*lines: str) -> str:
    return compose(laid(*lines).tokens)


ONE = [
    "console=ttyS0,115200 console=tty0 console=ttyS0,115200",
    "quiet splash quiet",
    "hugepagesz=2M hugepages=4 hugepagesz=1G hugepages=4",
    "root=a ro root=b rw --- a --- b -- quiet -- quiet",
    "url=x auto=true ---",
]


@pytest.mark.parametrize("line", ONE)
def test_one_layer_comes_out_as_it_stands(line: str) -> None:
    assert text(line) == line


@pytest.mark.parametrize(
    ("below", "above", "line"),
    [
        (
            "rd.lvm.lv=vg/root rd.lvm.lv=vg/swap crashkernel=314M,high "
            "crashkernel=72M,low",
            "rd.lvm.lv=vg/data",
            "rd.lvm.lv=vg/root rd.lvm.lv=vg/swap rd.lvm.lv=vg/data "
            "crashkernel=314M,high crashkernel=72M,low",
        ),
        ("hugepages=512", "hugepagesz=1G hugepages=4", "hugepagesz=1G hugepages=4"),
        ("hugepages=512 ro x", "x hugepages=9 rw", "hugepages=9 rw x"),
        ("ro", "rw", "rw"),
        (
            "console=tty0 console=ttyS0,115200 x",
            "console=tty0",
            "console=ttyS0,115200 console=tty0 x",
        ),
        (
            "console=ttyS0,9600 console=tty0 x",
            "console=ttyS0,115200n8",
            "console=tty0 console=ttyS0,115200n8 x",
        ),
        ("url=x auto=true ---", "console=ttyS0", "url=x auto=true console=ttyS0 ---"),
        ("a --- quiet b=1", "b=2 c", "a c --- quiet b=2"),
        ("a -- single", "b single", "a b single -- single"),
        ("a -- x", "--- b -- y", "a --- b -- x y"),
        ("a --- x", "b --- y", "a b --- x y"),
        ("root=a quiet root=b", "root=c", "root=c quiet"),
        ("root=a quiet", "root=b root=c", "root=b root=c quiet"),
        ("init-x=1", "init_x=2", "init_x=2"),
        ("rd.x-y=1", "rd.x_y=2", "rd.x-y=1 rd.x_y=2"),
        ("systemd.mount-extra=a:/a", "systemd.mount_extra=a:/a", None),
        ("rd.luks.uuid=1", "rd.luks.uuid=2", "rd.luks.uuid=1 rd.luks.uuid=2"),
        ("rd.luks.timeout=1", "rd.luks.timeout=2", "rd.luks.timeout=2"),
    ],
)
def test_two_layers(below: str, above: str, line: str | None) -> None:
    assert text(below, above) == (above if line is None else line)


def test_what_gave_way_is_named_with_both_origins() -> None:
    line = laid("root=a quiet console=ttyS0,9600 console=tty0", "root=b quiet", "")
    assert line.replaced == (Replaced("root=a", NAMES[0], NAMES[1], ("root=b",)),)
    line = laid("console=ttyS0,9600 console=tty0", "console=tty0 console=ttyS0,115200")
    assert line.replaced == (
        Replaced(
            "console=ttyS0,9600",
            NAMES[0],
            NAMES[1],
            ("console=tty0", "console=ttyS0,115200"),
        ),
    )


@pytest.mark.parametrize(
    ("below", "without", "line"),
    [
        ("quiet splash", ("quiet",), "splash"),
        ("console=tty0 console=ttyS0", ("console",), ""),
        ("console=tty0 console=ttyS0", ("console=tty0",), "console=ttyS0"),
        ("a --- quiet -- quiet", ("quiet",), "a --- -- quiet"),
        ("a --- b", ("---",), "a b"),
        ("a -- b", ("--",), "a"),
        ("a", ("b",), "a"),
    ],
)
def test_a_layer_takes_away_from_those_below(
    below: str, without: tuple[str, ...], line: str
) -> None:
    rules = Rules(2)
    found = rules.merge([Layer("image w", split(below)), Layer("node n", (), without)])
    assert compose(found.tokens) == line
    gone = len(split(below)) - len(split(line))
    assert [each.by for each in found.replaced] == ["node n"] * gone
    assert all(each.gave_way_to == () for each in found.replaced)


def test_a_layer_may_begin_anew() -> None:
    below = Layer("image w", ("console=tty0", "console=ttyS0"))
    above = Layer("node n", ("console=ttyS1",), ("console",))
    assert Rules(2).merge([below, above]).tokens == ("console=ttyS1",)


# --- any layers

TOKENS = """root=a root=b quiet x x=1 a-b=1 a_b=1 a_b=2 ro rw hugepages=4 hugepages=8
hugepagesz=1G hugepagesz=2M rd.lvm.lv=a rd.lvm.lv=b rd.lvm.lv=c console=tty0
console=ttyS0 console=ttyS0,9600 console=ttyS1 --- --"""
TOKEN = st.sampled_from(split(TOKENS))
SAID = st.lists(TOKEN, max_size=8)
WITHOUT = st.lists(st.sampled_from(["quiet", "console", "root=a", "ro", "x"]))


def merged(*layers: list[str]) -> list[str]:
    named = [Layer(str(at), tuple(each)) for at, each in enumerate(layers)]
    return list(Rules(2).merge(named).tokens)


@given(SAID)
def test_what_one_layer_says_is_what_linux_reads(line: list[str]) -> None:
    assert list(split(compose(merged(line)))) == line


@given(SAID, SAID, SAID)
def test_neighbours_may_be_merged_first(
    low: list[str], middle: list[str], high: list[str]
) -> None:
    whole = merged(low, middle, high)
    assert whole == merged(merged(low, middle), high)
    assert whole == merged(low, merged(middle, high))


@given(st.lists(st.tuples(SAID, WITHOUT), min_size=1, max_size=4))
def test_an_oracle_says_the_same(layers: list[tuple[list[str], list[str]]]) -> None:
    named = [Layer(str(n), tuple(p), tuple(w)) for n, (p, w) in enumerate(layers)]
    line = Rules(2).merge(named)
    assert [tuple(each) for each in line.merged] == told(named)


@given(SAID, SAID, WITHOUT)
def test_no_token_goes_without_a_word(
    low: list[str], high: list[str], without: list[str]
) -> None:
    layers = [Layer("low", tuple(low)), Layer("high", tuple(high), tuple(without))]
    line = Rules(2).merge(layers)
    said = {each.token for each in line.replaced} | {*line.tokens}
    assert {t.replace("-", "_") for t in low} <= {t.replace("-", "_") for t in said}
    assert {*high} <= {*line.tokens}
