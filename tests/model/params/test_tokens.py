"""Command lines as tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import InvalidInput
from kpstore.model.params.tokens import compose, key_of, same, says, split

TOKENS = st.from_regex(r"\A[a-d][_-]?(=[0-9]( [a-z])?)?\Z")


@given(st.lists(TOKENS))
def test_a_composed_line_splits_into_its_tokens(line: list[str]) -> None:
    assert split(compose(line)) == tuple(line)


def test_what_people_type_is_split_as_the_kernel_does() -> None:
    assert split('a  "b c" d="e f"\tg') == ("a", "b c", "d=e f", "g")
    assert split("") == ()


def test_an_unbalanced_quote_is_refused() -> None:
    with pytest.raises(InvalidInput, match="unbalanced"):
        split('a "b')


def test_dash_and_underscore_are_one_but_for_dracut_and_anaconda() -> None:
    assert key_of("systemd.mount-extra=a:b") == key_of("systemd.mount_extra=c:d")
    assert key_of("rd.znet-ifname=a") != key_of("rd.znet_ifname=a")
    assert key_of("inst.add-repo=a") != key_of("inst.add_repo=a")
    assert key_of("---") == "---"


@pytest.mark.parametrize(
    ("token", "wanted", "said"),
    [
        ("quiet", "quiet", True),
        ("console=tty0", "console", True),
        ("console=tty0", "console=tty0", True),
        ("console=tty0", "console=ttyS0", False),
        ("init-x=a-b", "init_x=a-b", True),
        ("init-x=a-b", "init_x=a_b", False),
        ("quiet", "quiet=", False),
    ],
)
def test_a_key_means_all_its_tokens_and_a_token_itself(
    token: str, wanted: str, said: bool
) -> None:
    assert says(token, wanted) is said
    assert same(token, token)
