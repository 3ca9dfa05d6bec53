import random
from pathlib import Path

import pytest

from kpstore.history import walk
from kpstore.history.index import census
from kpstore.history.index.database import Index
from kpstore.history.index.feed import rebuild
from kpstore.history.snapshot import Snapshot
from kpstore.model.census import Census, FullCensus, unique_values
from kpstore.model.documents import Document, NextBoot, Site
from kpstore.model.keys import Key
from kpstore.model.moves import Moves
from kpstore.model.state import State
from kpstore.model.templates import Template
from support.histories import SITE, START, commit, group, image, make, node

Changes = dict[Key, Document | None]


def edit(dice: random.Random) -> Changes:
    """Change nodes, groups, an image, or what is unique."""
    number = dice.randrange(12)
    key = Key("node", f"n{number:06}")
    rule: dict[str, object] = {"unique": dice.random() < 0.5}
    rules = {"index": {"unique": True}, "rack": rule}
    site = Site.model_validate({"id": "0" * 32, "name": "test", "variables": rules})
    choices: list[Changes] = [
        {
            key: node(
                number, dice.choice(["web", "db"]), index=number * 9 + dice.randrange(9)
            )
        },
        {key: node(number, next=NextBoot(entry="web/new", params=("single",)))},
        {key: node(number, vars={"rack": f"r{number}"}, params=("quiet",))},
        {key: None},
        {Key("group", "low"): group(f"n00000[0-{dice.randrange(2, 9)}]", "a=1")},
        {Key("group", "low"): None},
        {Key("group", "tag"): group("n000001")},
        {Key("site"): site},
        {**image("db")},
    ]
    return choices[dice.randrange(len(choices))] | choices[dice.randrange(4)]


def assert_same(state: State, ours: Census) -> None:
    theirs, site = FullCensus(state), state.site()
    assert dict(ours.templates()) == dict(theirs.templates())
    for template in theirs.templates():
        assert ours.nodes_of(template) == theirs.nodes_of(template)
    for each in state.nodes():
        assert ours.template_of(each.name) == theirs.template_of(each.name)
        for what, value in unique_values(each, site.variables):
            assert ours.holders([(what, value)])
    assert ours.template_of("nobody") is None
    assert ours.nodes_of(Template("nothing")) == []
    assert not ours.holders([("mac", "nothing")])


@pytest.mark.parametrize("seed", range(3))
def test_an_index_that_is_fed_is_a_census(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    repository = make(tmp_path / "state.git")
    index = Index.create(tmp_path / "index.db")
    tip: str | None = None
    for revision in range(1, 40):
        base = Snapshot(repository, tip)
        plain = {**SITE, **image()} if tip is None else edit(dice)
        changes = State(base, plain).changes
        moves = Moves(State(base), State(base, changes), census.IndexCensus(index))
        made = commit(
            repository, tip, changes, revision=revision, time=START + revision
        )
        line = walk.revision(repository.commit(made))
        index.feed(census.of_moves(tip, line, moves))
        tip = made
        assert index.head() == tip
        assert_same(State(Snapshot(repository, tip)), census.IndexCensus(index))
    assert tip
    anew = rebuild(tmp_path / "anew.db", repository, tip)
    for table in ("revisions", "touches", "uniques", "stayed"):
        rows = f"SELECT * FROM {table}"
        assert sorted(index._rows(rows)) == sorted(anew._rows(rows)), table
    assert index.templates() == anew.templates()
