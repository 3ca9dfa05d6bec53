import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from kpstore.errors import Conflict, CorruptState, InvalidInput
from kpstore.history import walk
from kpstore.history.git.repository import Repository
from kpstore.history.index.connection import IndexFailed, connect
from kpstore.history.index.database import Index
from kpstore.history.index.feed import bring, rebuild
from kpstore.history.index.steps import HeldValue, NodeChange, Step
from kpstore.history.paths import MAIN
from kpstore.history.revisions import Query, Revision
from kpstore.model.documents import BootConfig, Document
from kpstore.model.keys import Key
from support.histories import SITE, START, commit, group, image, kernel, make, node

Changes = dict[Key, Document | None]


def line(number: int, **fields: Any) -> Revision:
    plain = {
        "number": number,
        "commit": f"{number:040x}",
        "time": START + number,
        "author": "Ann",
        "op": "commit",
        "subject": f"change {number}",
    }
    return Revision(**plain | fields)


def parent(number: int) -> str | None:
    return f"{number - 1:040x}" if number > 1 else None


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index.create(tmp_path / "cache/index.db")
    yield made
    made.close()


def random_changes(dice: random.Random, existing: set[Key]) -> Changes:
    """Make a change to one of two images, nodes or groups; never an empty one."""
    name = dice.choice(["web", "db"])
    number = dice.randrange(6)
    value = f"x={dice.randrange(10**9)}"
    if Key("image", name) not in existing:
        return {**image(name)}
    choices: list[Changes] = [
        {Key("node", f"n{number:06}"): node(number, name, params=(value,))},
        {Key("entry", f"e{number}", name): BootConfig(kernel="k1", params=(value,))},
        {Key("kernel", f"k{number}", name): kernel(f"6.{dice.randrange(10**6)}")},
        {Key("group", "rack"): group("n00000[0-3]", value)},
        {Key("entry", "production", name): BootConfig(kernel="k1", params=(value,))},
    ]
    nodes = sorted(key for key in existing if key.kind == "node")
    if nodes:
        choices.append({dice.choice(nodes): None})
    return dice.choice(choices) | dice.choice(choices)


def random_history(path: Path, seed: int, length: int) -> Repository:
    dice = random.Random(seed)
    repository = make(path)
    existing: set[Key] = set()
    tip: str | None = None
    for revision in range(1, length + 1):
        changes: Changes = random_changes(dice, existing) if tip else {**SITE}
        existing |= {key for key, document in changes.items() if document}
        existing -= {key for key, document in changes.items() if document is None}
        tip = commit(
            repository,
            tip,
            changes,
            revision=revision,
            author=dice.choice(["Ann", "Bob"]),
            op=dice.choice(["commit", "rollback"]),
            time=START + revision * 10 + dice.randrange(-30, 30),
        )
    repository.advance(MAIN, None, tip or "", host="head1")
    return repository


def random_query(dice: random.Random) -> Query:
    def maybe(*values: Any) -> Any:
        return dice.choice([None, None, *values])

    return Query(
        image=maybe("web", "db", "none"),
        node=maybe("n000001", "n000002"),
        entry=maybe("production", "e1"),
        kernel=maybe("k1", "k3"),
        author=maybe("Ann", "Bob"),
        op=maybe("rollback"),
        since=maybe(START + 100),
        until=maybe(START + 250),
        limit=maybe(1, 3, 1000),
    )


@pytest.mark.parametrize("seed", range(4))
def test_index_and_walk_give_the_same_answers(tmp_path: Path, seed: int) -> None:
    repository = random_history(tmp_path / "state.git", seed, 40)
    main = repository.tip(MAIN)
    assert main
    index = bring(tmp_path / "index.db", repository, main)
    dice = random.Random(seed)
    answered = 0
    for _ in range(150):
        query = random_query(dice)
        found = index.revisions(query)
        assert found == walk.revisions(repository, main, query), query
        answered += bool(found)
    assert answered > 30
    assert index.revisions(Query(entry="web/production")) == walk.revisions(
        repository, main, Query(entry="web/production")
    )
    with pytest.raises(InvalidInput):
        index.revisions(Query(entry="web/production", image="db"))


def test_a_step_is_only_taken_from_its_parent(index: Index) -> None:
    index.feed(Step(None, line(1), [("image", "web", "")]))
    assert index.head() == line(1).commit
    for wrong in (None, "f" * 40):
        with pytest.raises(Conflict, match="the index stands at"):
            index.feed(Step(wrong, line(2), []))
    assert index.revisions(Query()) == [line(1)]


def test_many_steps_are_all_or_nothing(index: Index) -> None:
    steps = [Step(None, line(1), []), Step("wrong", line(2), [])]
    with pytest.raises(Conflict):
        index.feed_all(steps)
    assert index.head() is None
    assert index.revisions(Query()) == []


def test_templates_are_counted(index: Index) -> None:
    first = [NodeChange("b", None, "x"), NodeChange("a", None, "x")]
    taken = [HeldValue("mac", "1", "a"), HeldValue("mac", "2", "b")]
    index.feed(Step(None, line(1), [], first, (), taken))
    assert index.templates() == {"x": 2}
    assert index.nodes_of("x") == ["a", "b"]
    moved = [NodeChange("a", "x", "y"), NodeChange("c", None, "y")]
    swapped = [HeldValue("mac", "2", "a"), HeldValue("mac", "1", "b")]
    index.feed(Step(parent(2), line(2), [], moved, taken, swapped))
    assert index.templates() == {"x": 1, "y": 2}
    assert (index.template_of("a"), index.template_of("b")) == ("y", "x")
    assert index.holders([("mac", "1")]) == {("mac", "1"): "b"}
    gone = [NodeChange("b", "x", None), NodeChange("c", "y", None)]
    index.feed(Step(parent(3), line(3), [], gone, [HeldValue("mac", "1", "b")]))
    assert index.templates() == {"y": 1}
    assert not index.holders([("mac", "1")])
    assert index.template_of("b") is None
    assert index.nodes_of("x") == []


def test_a_killed_writer_leaves_the_index_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = Index.create(path)
    index.feed(Step(None, line(1), [("image", "web", "")]))
    index.close()
    script = f"""
import os, signal
from pathlib import Path
from kpstore.history.index.database import Index
from kpstore.history.revisions import Revision
from kpstore.history.index.steps import Step

def steps():
    for n in range(2, 100_000):
        touched = [("node", f"n{{m}}", "") for m in range(200)]
        said = Revision(n, f"{{n:040x}}", n, "Bob", "commit", "x" * 500)
        yield Step(f"{{n - 1:040x}}", said, touched)
        if n == 300:  # the cache has spilled into the file by now
            os.kill(os.getpid(), signal.SIGKILL)

index = Index.open(Path({str(path)!r}))
index._db.execute("PRAGMA cache_size = 10")
index.feed_all(steps())
"""
    before = path.stat().st_size
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -9
    assert path.stat().st_size > before
    index = Index.open(path) or index
    assert index.head() == line(1).commit
    assert index.revisions(Query()) == [line(1)]
    assert path.stat().st_size == before


def damage_nothing(path: Path) -> None:
    path.unlink()


def damage_schema(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE meta SET value = '0' WHERE name = 'schema'")
    database.close()


def damage_header(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[:100] = bytes(100)
    path.write_bytes(data)


def damage_truncate(path: Path) -> None:
    os.truncate(path, 5000)


def damage_garbage(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 100)


@pytest.mark.parametrize(
    "damage",
    [
        damage_nothing,
        damage_schema,
        damage_header,
        damage_truncate,
        damage_garbage,
    ],
)
def test_an_index_that_can_t_be_believed_is_made_anew(
    tmp_path: Path, damage: Any
) -> None:
    repository = random_history(tmp_path / "state.git", 1, 6)
    main = repository.tip(MAIN)
    assert main
    path = tmp_path / "cache/index.db"
    bring(path, repository, main).close()
    damage(path)
    assert Index.open(path) is None
    index = bring(path, repository, main)
    assert index.revisions(Query()) == walk.revisions(repository, main, Query())


def test_damage_further_in_is_corrupt_state(tmp_path: Path) -> None:
    repository = random_history(tmp_path / "state.git", 1, 40)
    main = repository.tip(MAIN) or ""
    path = tmp_path / "index.db"
    bring(path, repository, main).close()
    whole = path.read_bytes()
    wrong = 0
    for page in range(1, len(whole) // 4096):
        data = bytearray(whole)
        data[page * 4096 : (page + 1) * 4096] = b"\xff" * 4096
        path.write_bytes(data)
        index = Index.open(path)
        if index is None:
            continue
        for query in (Query(), Query(image="web"), Query(node="n000001")):
            try:
                index.revisions(query)
            except CorruptState:
                wrong += 1
        index.close()
    assert wrong >= 3


def test_a_note_of_which_a_bit_flipped_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = Index.create(path)
    index.note({"seen": "everything"})
    assert index.noted("seen") == "everything"
    index.close()
    path.write_bytes(path.read_bytes().replace(b"everything", b"everythinG"))
    index = Index(connect(path, "rw"))
    index.check()  # SQLite sees nothing
    with pytest.raises(IndexFailed, match="not as written"):
        index.noted("seen")


def test_an_index_that_lacks_a_table_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    index = Index.create(path)
    index.check()
    with sqlite3.connect(path) as database:
        database.execute("DROP TABLE uniques")
    database.close()
    with pytest.raises(IndexFailed, match="no table uniques"):
        index.check()


def test_an_index_with_no_commit_is_none(tmp_path: Path) -> None:
    Index.create(tmp_path / "index.db").close()
    assert Index.open(tmp_path / "index.db") is None


def test_a_reader_who_may_not_write(tmp_path: Path) -> None:
    repository = random_history(tmp_path / "state.git", 1, 6)
    script = """
import os, sys
from pathlib import Path
from kpstore.history.index.database import Index, Query
if os.getuid() == 0:
    os.setuid(65534)
path = Path(sys.argv[1])
assert not os.access(path, os.W_OK)
print(len(Index.open(path).revisions(Query())))
"""
    with TemporaryDirectory(dir="/tmp") as folder:  # pytest's own is root's alone
        path = Path(folder) / "index.db"
        bring(path, repository, repository.tip(MAIN) or "").close()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stdout.strip() == "6", done.stderr


def test_nothing_heavy_is_imported() -> None:
    script = (
        "import sys, kpstore.history.index.database, kpstore.history.walk,"
        " kpstore.history.revspec\n"
        "print([m for m in ('pydantic', 'kpstore.model.documents', 'dulwich.pack',"
        " 'ClusterShell', 'filelock') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_catching_up_feeds_only_what_is_missing(tmp_path: Path) -> None:
    repository = random_history(tmp_path / "state.git", 5, 30)
    main = repository.tip(MAIN) or ""
    older = [c.id for c in walk.chain(repository, main)][7]
    path = tmp_path / "index.db"
    bring(path, repository, older).close()
    fed: list[int] = []
    index = bring(path, repository, main, fed.append)
    assert fed == list(range(24, 31))
    whole = rebuild(tmp_path / "other.db", repository, main)
    assert dump(index) == dump(whole)


def test_an_index_of_another_history_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    first = random_history(tmp_path / "a.git", 1, 9)
    other = random_history(tmp_path / "b.git", 2, 5)
    bring(path, first, first.tip(MAIN) or "").close()
    index = bring(path, other, other.tip(MAIN) or "")
    whole = rebuild(tmp_path / "c.db", other, other.tip(MAIN) or "")
    assert dump(index) == dump(whole)


def dump(index: Index) -> dict[str, Any]:
    templates = index.templates()
    return {
        "head": index.head(),
        "revisions": index.revisions(Query()),
        "touches": sorted(index._rows("SELECT * FROM touches")),
        "templates": templates,
        "nodes": {key: index.nodes_of(key) for key in templates},
        "uniques": sorted(index._rows("SELECT * FROM uniques")),
    }
