"""Which commits changed what a node boots: index, walk and a plain reading agree."""

import random
from pathlib import Path

import pytest

from kpstore.history import walk
from kpstore.history.git.repository import Repository
from kpstore.history.index.feed import bring, rebuild
from kpstore.history.revisions import Query
from kpstore.history.snapshot import Snapshot
from kpstore.model.documents import BootConfig, Document, Image, NextBoot
from kpstore.model.keys import Key
from support.histories import SITE, START, commit, group, image, kernel, make, node

Changes = dict[Key, Document | None]
NODES = 4
STEPS = 60


def begin() -> Changes:
    """Two images of two entries each."""
    found: Changes = {**SITE}
    for name in ("web", "db"):
        found |= image(name)
        found[Key("kernel", "k2", name)] = kernel("6.2.0", 4)
        found[Key("entry", "new", name)] = BootConfig(kernel="k2")
    return found


def edit(dice: random.Random) -> Changes:
    """Change something that may shape what nodes boot, or may not."""
    name, entry = dice.choice(["web", "db"]), dice.choice(["production", "new"])
    number, value = dice.randrange(NODES), f"x={dice.randrange(5)}"
    asked = ("r={node.var.rack}",)
    key = Key("node", f"n{number:06}")
    default = dice.choice(["production", "new", None])
    choices: list[Changes] = [
        {key: node(number, name)},
        {key: node(number, name, params=(value,))},
        {key: node(number, name, next=NextBoot(entry=f"web/{entry}"))},
        {key: node(number, name, vars={"rack": value})},
        {key: None},
        {Key("image", name): Image(arch="x86_64", default=default)},
        {Key("image", name): Image(arch="x86_64", default="new", params=(value,))},
        {Key("entry", entry, name): BootConfig(kernel="k1", params=(value,))},
        {Key("entry", entry, name): BootConfig(kernel="k2", params=asked)},
        {Key("kernel", "k1", name): kernel(initrds=dice.randrange(1, 4))},
        {Key("group", "low"): group(f"n00000[0-{dice.randrange(1, 4)}]", value)},
        {Key("group", "low"): None},
        {Key("group", "tag"): group(f"n00000{number}")},
    ]
    return dice.choice(choices)


def history(tmp_path: Path, seed: int) -> tuple[Repository, list[str]]:
    dice, repository = random.Random(seed), make(tmp_path / "state.git")
    commits = [commit(repository, None, begin(), revision=1, time=START)]
    for number in range(2, STEPS):
        changes = edit(dice)
        made = commit(repository, commits[-1], changes, revision=number)
        commits.append(made)
    return repository, commits


def read_plainly(repository: Repository, commits: list[str], name: str) -> list[int]:
    """Return the commits after which the node boots otherwise, newest first."""
    said, found = "absent", []
    for number, each in enumerate(commits, 1):
        now = boots(Snapshot(repository, each), name)
        if now != said:
            found.append(number)
        said = now
    return found[::-1]


def boots(snapshot: Snapshot, name: str) -> str:
    """Say it from the documents' own fields, by hand: no code of kp's resolves it."""

    def fields(kind: str, name: str, within: str = "") -> dict[str, object]:
        document = snapshot.get(Key(kind, name, within))  # type: ignore[arg-type]
        return document.model_dump() if document else {}

    own = fields("node", name)
    if not own:
        return "absent"
    chosen = own["next"]["entry"] if own["next"] else None  # type: ignore[index]
    where, entry = chosen.split("/") if chosen else (own["image"], None)
    booted = fields("image", where)
    entry = entry or booted["default"]
    if entry is None:
        return f"{own}: policy"
    config = fields("entry", entry, where)
    linux = fields("kernel", str(config["kernel"]), where)["artifacts"]
    low = fields("group", "low")
    last = int(str(low["nodes"]).strip("n[]")[-1]) if low else -1
    grouped = low["params"] if int(name[1:]) <= last else ()
    base = [*booted["params"], *config["params"]]  # type: ignore[misc]
    over = [*base, *grouped, *own["params"]]  # type: ignore[misc]
    lines = [{t.split("=")[0]: t for t in line} for line in (base, over)]
    return f"{own}: {where}/{entry} {linux} {lines}"


@pytest.mark.parametrize("seed", range(6))
def test_every_commit_that_changed_what_a_node_boots_is_found(
    tmp_path: Path, seed: int
) -> None:
    repository, commits = history(tmp_path, seed)
    half = bring(tmp_path / "fed.db", repository, commits[STEPS // 2])
    half.close()
    indexes = (
        bring(tmp_path / "fed.db", repository, commits[-1]),
        rebuild(tmp_path / "anew.db", repository, commits[-1]),
    )
    for number in range(NODES):
        query = Query(node=f"n{number:06}")
        wanted = read_plainly(repository, commits, f"n{number:06}")
        walked = walk.revisions(repository, commits[-1], query)
        assert [line.number for line in walked] == wanted
        for index in indexes:
            assert index.revisions(query) == walked
            assert index.revisions(query._replace(limit=3)) == walked[:3]
    dual = Query(node="n000001", image="web")
    walked = walk.revisions(repository, commits[-1], dual)
    assert all(index.revisions(dual) == walked for index in indexes)


def test_a_node_is_asked_in_the_groups_that_it_had_then(tmp_path: Path) -> None:
    """Last year n000001 was in the group; what the group says now is not its."""
    repository = make(tmp_path / "state.git")
    steps: list[Changes] = [
        begin() | {Key("node", "n000001"): node(1)},
        {Key("group", "rack"): group("n000001", "a=1")},
        {Key("group", "rack"): group("n000001", "a=2")},
        {Key("group", "rack"): group("n000002", "a=2")},
        {Key("group", "rack"): group("n000002", "a=3")},
    ]
    tip: str | None = None
    for number, changes in enumerate(steps, 1):
        tip = commit(repository, tip, changes, revision=number)
    assert tip
    index = rebuild(tmp_path / "index.db", repository, tip)
    query = Query(node="n000001")
    assert [line.number for line in index.revisions(query)] == [4, 3, 2, 1]
    assert index.revisions(query) == walk.revisions(repository, tip, query)


def test_a_commit_that_cannot_be_read_loses_no_later_answer(tmp_path: Path) -> None:
    repository = make(tmp_path / "state.git")
    steps: list[Changes] = [
        begin() | {Key("node", "n000001"): node(1)},
        {Key("site"): None},  # no state that kp would write
        {**SITE},
        {Key("image", "web"): Image(arch="x86_64", default="new")},
    ]
    tip: str | None = None
    for number, changes in enumerate(steps, 1):
        tip = commit(repository, tip, changes, revision=number)
    assert tip
    index = rebuild(tmp_path / "index.db", repository, tip)
    found = [line.number for line in index.revisions(Query(node="n000001"))]
    assert (found[0], found[-1]) == (4, 1)
    assert index.nodes_of(next(iter(index.templates()))) == ["n000001"]
