import pytest

from kpstore.errors import InvalidInput
from kpstore.formats import samples as make
from kpstore.formats.config import MAX_CONFIG, read_config


def test_options_and_values() -> None:
    text = '#\nCONFIG_SMP=y\r\n# CONFIG_XEN is not set\nCONFIG_CC="gcc"\nCONFIG_N=8\n'
    assert read_config(text) == {"SMP": "y", "CC": "gcc", "N": "8"}


@pytest.mark.parametrize("text", ["", "# CONFIG_XEN is not set\n", "\0\x7fELF"])
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(InvalidInput, match="no kernel configuration"):
        read_config(text)


def test_hostile_length() -> None:
    with pytest.raises(InvalidInput, match="characters"):
        read_config("x" * (MAX_CONFIG + 1))


def test_the_make_believe_one() -> None:
    assert read_config(make.config(rt=True))["PREEMPT_RT"] == "y"
