"""Next boots in `kp status`: how many, who gave them, since when."""

from pathlib import Path

import pytest

from kpstore.errors import CorruptState
from kpstore.history.git.repository import Repository
from kpstore.queries.next_boots import OverrideLine
from kpstore.queries.status import look
from kpstore.site.reader import SiteReader
from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    made = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    made.kp("entry", "add", "web", "rescue", "--like", "production", "-m", "rescue")
    return made


def overrides(made: Cluster) -> list[OverrideLine]:
    """Return what the index says, and see that history says the same."""
    found = look(SiteReader(made.site), lambda _: []).overrides
    index = made.site / "cache/index.db"
    away = index.rename(index.with_name("away"))
    assert look(SiteReader(made.site), lambda _: []).overrides == found
    away.rename(index)
    return found


def said(made: Cluster) -> list[tuple[str, str, int, list[str], str | None]]:
    return [
        (f"{each.image}/{each.entry}", each.nodes, each.count, each.by, each.revision)
        for each in overrides(made)
    ]


def next_(made: Cluster, *words: str, user: str = "ann") -> str:
    return str(made.kp("next", *words, "--json", user=user).json["revision"])


def test_there_are_none(made: Cluster) -> None:
    assert overrides(made) == []
    assert "instead of the default" not in made.kp("status").out


def test_they_are_counted_by_entry_with_who_gave_them(made: Cluster) -> None:
    first = next_(made, "n[01-02]", "--entry", "rescue")
    next_(made, "n03", "--entry", "web/rescue", "--add-param", "debug", user="bob")
    other = next_(made, "n04", "--entry", "db/production", user="bob")
    assert said(made) == [
        ("db/production", "n04", 1, ["bob"], other),
        ("web/rescue", "n[01-03]", 3, ["ann", "bob"], first),
    ]
    shown = made.kp("status").out
    assert (
        f"3 nodes boot web/rescue instead of the default, by ann and bob {first}"
        in (shown.replace("since ", ""))
    )
    assert (
        f"1 node boots db/production instead of the default, by bob since {other}"
        in (shown)
    )
    listed = made.json("status")["overrides"][1]
    assert (listed["entry"], listed["nodes"], listed["count"]) == (
        "rescue",
        "n[01-03]",
        3,
    )


def test_who_gave_it_is_who_changed_it_last(made: Cluster) -> None:
    """What else changes on the node is none of it, nor are other nodes."""
    first = next_(made, "n01", "--entry", "rescue")
    made.kp("node", "set", "n01", "--var", "k=v", "-m", "x", user="bob")
    next_(made, "n02", "--entry", "rescue", user="bob")
    next_(made, "n02", "--clear", user="bob")
    assert said(made) == [("web/rescue", "n01", 1, ["ann"], first)]
    next_(made, "n01", "--clear")
    again = next_(made, "n01", "--entry", "rescue", user="bob")
    assert said(made) == [("web/rescue", "n01", 1, ["bob"], again)]


def test_history_that_can_not_be_read_hides_who_and_nothing_else(
    made: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_(made, "n01", "--entry", "rescue")
    site = SiteReader(made.site)
    tip = site.repository.commit(site.tip())
    real = Repository.commit

    def commit(repository: Repository, name: str) -> object:
        if name in tip.parents:
            raise CorruptState(f"{name} is gone", hint="")
        return real(repository, name)

    monkeypatch.setattr(Repository, "commit", commit)
    [found] = look(SiteReader(made.site), lambda _: []).overrides
    assert (found.count, found.by, found.revision, found.since) == (1, [], None, None)


def test_a_listing_folds_nodes_of_one_next_boot(made: Cluster) -> None:
    """For people; programs get a row a node."""
    next_(made, "n[01-03]", "--entry", "rescue")
    next_(made, "n04", "--entry", "rescue", "--add-param", "debug")
    next_(made, "n05", "--entry", "rescue", "--without-param", "panic")
    rows = made.kp("next", "--list").out.splitlines()[1:]
    assert [row.split(None, 4) for row in rows] == [
        ["n[01-03]", "3", "web", "rescue"],
        ["n04", "1", "web", "rescue", "debug"],
        ["n05", "1", "web", "rescue", "without panic"],
    ]
    listed = made.json("next", "--list")
    assert [each["node"] for each in listed] == [
        f"n0{number}" for number in range(1, 6)
    ]


def test_one_is_said_as_one(made: Cluster) -> None:
    made.kp("node", "set", "n40", "--image", "none", "-m", "spare")
    made.kp("node", "set", "n01", "--var", "k=v")
    shown = made.kp("status").out
    assert "1 node has no image: it boots its own disk\n" in shown
    assert "your draft holds 1 edit, not live\n" in shown
    made.kp("node", "set", "n02", "--var", "k=v")
    assert "your draft holds 2 edits, not live\n" in made.kp("status").out
