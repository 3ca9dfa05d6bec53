import pytest

from kpstore.errors import Refused
from kpstore.loaders import limits
from kpstore.model.boot import Boot, resolve
from kpstore.model.documents import BootConfig
from kpstore.model.keys import Key
from kpstore.model.state import Empty, State
from kpstore.model.templates import Template
from kpstore.targets.tftp.node_files import check_loaders
from kpstore.targets.tftp.paths import TftpPaths
from support import histories
from support.states import command_line

LOADERS = ("pxelinux", "grub", "ipxe")


def boot(*params: str, method: str = "network") -> Boot:
    entry = {"kernel": "k1", "method": method, "params": params}
    documents = {
        **histories.SITE,
        **histories.image(),
        Key("entry", "production", "web"): BootConfig.model_validate(entry),
    }
    found = resolve(State(Empty(), documents), Template("web"))
    assert found
    return found


def filling(length: int) -> list[str]:
    """Parameters whose command line is that many bytes long."""
    pieces = [f"x{i}={'y' * 95}" for i in range(100, 100 + length // 101)]
    rest = length - len(" ".join(pieces)) - 1
    return [*pieces, "z" * rest]


def check(boot: Boot, values: dict[str, str] | None = None) -> None:
    limits.check_line(boot, values or {}, "template web~0")


@pytest.mark.parametrize("length", [150, 1949, 1950])
def test_what_fits(length: int):
    made = boot(*filling(length))
    assert len(command_line(made, histories.node(1))) == length
    check(made)


@pytest.mark.parametrize("length", [1951, 4000])
def test_what_does_not(length: int):
    with pytest.raises(Refused) as refused:
        check(boot(*filling(length)))
    assert refused.value.message == (
        f"entry web/production: the command line of template web~0 is {length:,} "
        "bytes long, 1,950 at most"
    )


def test_quotes_count():
    check(boot("a=b c", *filling(1950 - 8)))
    with pytest.raises(Refused, match="1,951 bytes"):
        check(boot("a=b c", *filling(1951 - 8)))


def test_the_longest_value_counts():
    made = boot("a={node.index}", *filling(1940))
    longest = limits.longest([{"index": "7"}, {"index": "1234567"}, {"index": "99"}])
    assert longest == {"index": "1234567"}
    check(made, {"index": "1234567"})
    with pytest.raises(Refused, match="1,951 bytes"):
        check(made, {"index": "12345678"})


def test_a_variable_without_a_value_counts_nothing():
    check(boot("a={node.index}", *filling(1947)))


@pytest.mark.parametrize(
    ("loader", "room"),
    # What each adds to a line: see `added` of the dialects. 2,046 less that.
    [("pxelinux", 1827), ("grub", 1922), ("ipxe", 1950)],
)
def test_what_the_loader_adds_counts(loader: str, room: int):
    check_loaders(boot(*filling(room)), {}, "n1", [loader], TftpPaths())
    if room < limits.LINE:
        with pytest.raises(Refused, match=f"bytes that {loader} adds.* of n1 is 2,047"):
            check_loaders(boot(*filling(room + 1)), {}, "n1", [loader], TftpPaths())


def test_a_longer_prefix_leaves_less_room():
    made = boot(*filling(1922))
    with pytest.raises(Refused, match="grub"):
        check_loaders(made, {}, "n1", ["grub"], TftpPaths("a"))


def test_the_disk_needs_no_room():
    made = boot(*filling(1900), method="local")
    check_loaders(made, {}, "n1", LOADERS, TftpPaths())
    check_loaders(None, {}, "n1", LOADERS, TftpPaths())


@pytest.mark.parametrize("method", ["network", "mixed"])
@pytest.mark.parametrize("params", [(), ("panic=0",), ("panic",), ("panic_on_oops=1",)])
def test_an_entry_that_halts_for_good_gets_a_warning(
    method: str, params: tuple[str, ...]
):
    (warning,) = limits.warnings(boot(*params, method=method))
    assert warning.startswith("entry web/production has no panic=")
    assert "asks the server" in warning


@pytest.mark.parametrize("value", ["10", "-1"])
def test_an_entry_that_starts_again_gets_none(value: str):
    assert limits.warnings(boot(f"panic={value}")) == []


def test_a_local_entry_gets_none():
    assert limits.warnings(boot(method="local")) == []
