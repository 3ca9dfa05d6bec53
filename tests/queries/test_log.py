"""Who changed what a node boots; names that nothing has."""

from pathlib import Path

import pytest

from kpstore.edits import nodes
from kpstore.errors import NotFound
from kpstore.history.revisions import Query
from support import sites
from support.sites import SmallSite, first_import, moving_nodes, second_kernel


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """r2 the first day, r3 a second kernel for web, r4 nodes move, n003 goes."""
    return sites.make(tmp_path, first_import, second_kernel, moving_nodes)


def numbers(site: SmallSite, **query: str) -> list[int]:
    return [line.number for line in site.picker().log(Query(**query))]


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ("n000", [4, 3, 2]),  # of web until r4
        ("n001", [3, 2]),  # the group keeps it
        ("n003", [4, 3, 2]),  # removed
        ("n004", [4, 2]),  # came to web after its second kernel
    ],
)
def test_a_node_is_asked_as_it_was_then(
    site: SmallSite, node: str, wanted: list[int]
) -> None:
    assert numbers(site, node=node) == wanted
    (site.root / "cache/index.db").unlink()
    assert numbers(site, node=node) == wanted


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ({"node": "n0000"}, "did you mean 'n000'?"),
        ({"image": "wep"}, "did you mean 'web'?"),
        ({"entry": "recsue"}, "did you mean 'rescue'?"),
        ({"entry": "web/recsue"}, "did you mean 'web/rescue'?"),
        ({"kernel": "9"}, "there are 5.4, 6.1, 6.2"),
        ({"kernel": "5.4", "image": "web"}, "there are 6.1, 6.2"),
    ],
)
def test_a_name_that_nothing_ever_had_is_an_error(
    site: SmallSite, query: dict[str, str], near: str
) -> None:
    with pytest.raises(NotFound) as caught:
        site.picker().log(Query(**query))
    assert caught.value.hint == near


def test_who_changed_nothing_is_no_error(site: SmallSite) -> None:
    assert not numbers(site, node="n000", author="Nobody")


def test_one_of_very_many_names_is_found_by_a_slip(site: SmallSite) -> None:
    with site.picker().edit("many") as edit:
        for number in range(7_000, 10_000):
            nodes.add(edit.state, f"m{number}", {"image": "web"})
    for typed, meant in (
        ("m80000", "m8000"),
        ("m7100x", "m7100"),
        ("m9x01", "m9001"),
        ("7m444", "m7444"),
    ):
        with pytest.raises(NotFound) as caught:
            numbers(site, node=typed)
        assert caught.value.hint == f"did you mean {meant!r}?"
    with pytest.raises(NotFound, match="no node 'other'") as caught:
        site.picker().view().node("other")
    assert caught.value.hint.startswith("there are m7000, ")
